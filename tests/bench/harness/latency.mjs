// latency.mjs - from the moment a job should have been submitted to the DATA command of its mail, at a
// steady 1,000 jobs a second: one job, one debtor, one mail. The sink is our own (stamp_sink.c), the
// clock CLOCK_MONOTONIC in both programs. A late submitter counts against us: the clock starts at
// the planned moment.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dunlin } from './dunlin.mjs';
import * as place from './place.mjs';
import { CpuWatch, firstLine, start, stop } from './process.mjs';
import { cpuRows } from './report.mjs';
import { quantile } from './stats.mjs';

const RATE = 1000;
const WARM_S = 2; // the first seconds fill caches and connections; they are sent but not counted

const table = (path) => readFileSync(path, 'utf8').trim().split('\n').map((l) => l.split(' ').map(Number));

async function round(seconds) {
  const folder = place.newFolder('latency');
  const stamps = join(folder, 'stamps');
  const plan = join(folder, 'plan');
  const n = (seconds + WARM_S) * RATE;
  const sink = start(join(place.benches, 'stamp_sink'), [stamps],
    { log: join(place.logs, 'stamp_sink.log'), lines: true });
  const d = await Dunlin.up({ port: Number(await firstLine(sink)) });
  await d.billing({}, 'debtors', n);
  const watch = new CpuWatch(d.pids);
  await d.billing({ debtors: n, statement: 'detailed' }, 'steady', n, RATE, plan);
  await d.awaitState('delivered', n);
  const cpu = cpuRows(watch.take(), n);
  await d.down();
  await stop(sink);
  const at = new Map(table(stamps).map(([number, ns]) => [number, ns]));
  const counted = table(plan).filter(([i]) => i >= WARM_S * RATE);
  const data = counted.map(([i, planned]) => (at.get(i) - planned) / 1e6);
  const accepted = counted.map(([, planned, done]) => (done - planned) / 1e6);
  place.dropFolder(folder);
  return { data, accepted, cpu };
}

export async function measure({ rounds, quick }) {
  const q = (xs, p) => quantile(xs, p);
  const runs = [];
  for (let i = 0; i < rounds; i++) runs.push(await round(quick ? 3 : 10));
  const row = (name, goal, pick) => ({ name, unit: 'ms', goal, values: runs.map(pick) });
  return {
    title: `Submit to DATA at a steady ${RATE} jobs/s, with CSV statement and full evidence`,
    rows: [
      row('p50', '< 10', (r) => q(r.data, 0.5)),
      row('p90', undefined, (r) => q(r.data, 0.9)),
      row('p99', '< 50', (r) => q(r.data, 0.99)),
      row('max', undefined, (r) => q(r.data, 1)),
      row('of it: durable receipt, p50', undefined, (r) => q(r.accepted, 0.5)),
      row('of it: durable receipt, p99', undefined, (r) => q(r.accepted, 0.99)),
    ],
    ratios: [],
    cpu: runs.at(-1).cpu,
    cpuUnit: 'a job',
  };
}
