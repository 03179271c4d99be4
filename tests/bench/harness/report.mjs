// report.mjs - what a measurement found, for people (standard output) and for scripts (--json).
//
// A measurement returns {title, goal, rows, ratios, cpu, notes}:
//   rows    [{name, unit, values: [one a round]}]
//   ratios  [{name, of, to, goal}]: row `of` divided by row `to`, round by round
//   cpu     [{process, us, threads: [{name, us}]}]: microseconds of CPU per item, of the last round
//   notes   [text]
import { median, number, spread, spreadText } from './stats.mjs';

const pad = (text, n) => text + ' '.repeat(Math.max(0, n - text.length));

function ratioOf(result, { of, to }) {
  const values = (name) => result.rows.find((r) => r.name === name).values;
  const pairs = values(of).map((v, i) => v / values(to)[i]);
  return spread(pairs);
}

export function finish(result) {
  return {
    ...result,
    rows: result.rows.map((r) => ({ ...r, ...spread(r.values) })),
    ratios: (result.ratios ?? []).map((r) => ({ ...r, ...ratioOf(result, r) })),
  };
}

export function print(r) {
  const out = [`\n== ${r.title} (load before it ${number(r.load)})`];
  const width = Math.max(...r.rows.map((x) => x.name.length)) + 2;
  for (const row of r.rows)
    out.push(`  ${pad(row.name, width)}${spreadText(row)} ${row.unit}${row.goal ? `   goal ${row.goal}` : ''}`);
  for (const x of r.ratios)
    out.push(`  ratio ${x.name}: ${spreadText(x)}${x.goal ? `   goal ${x.goal}` : ''}`);
  if (r.cpu?.length) {
    const total = r.cpu.reduce((sum, p) => sum + p.us, 0);
    out.push(`  where the CPU goes, us ${r.cpuUnit ?? 'an item'} (sum ${number(total)}):`);
    for (const p of r.cpu)
      out.push(`    ${pad(p.process, 10)}${pad(number(p.us), 9)}${p.threads.map((t) => `${t.name} ${number(t.us)}`).join(', ')}`);
  }
  for (const note of r.notes ?? []) out.push(`  ${note}`);
  console.log(out.join('\n'));
}

// CpuWatch.take() as microseconds an item, threads of one name added up.
export function cpuRows({ cpu, threads }, items) {
  return Object.entries(cpu).map(([process, seconds]) => {
    const sums = new Map();
    for (const t of threads[process]) sums.set(t.name, (sums.get(t.name) ?? 0) + t.seconds);
    return { process, us: (seconds * 1e6) / items,
      threads: sums.size > 1 ? [...sums].map(([name, s]) => ({ name, us: (s * 1e6) / items })) : [] };
  });
}

export { median };
