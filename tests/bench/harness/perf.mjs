// perf.mjs - with --perf: the hottest symbols of each process, if perf is there.
import { join } from 'node:path';
import * as place from './place.mjs';
import { run, start } from './process.mjs';

const TOP = 8;
let wanted = false;
export const enable = () => { wanted = true; };

// Record the named pids until done() answers lines for the report; each .data file stays in build/bench/logs.
export function record(pids) {
  if (!wanted) return async () => [];
  const perfs = Object.entries(pids).map(([name, pid]) => {
    const data = join(place.logs, `perf.${name}.data`);
    const child = start('perf', ['record', '-q', '-F', '499', '-o', data, '-p', String(pid)],
      { log: join(place.logs, 'perf.log') });
    return { name, data, child };
  });
  return async () => {
    const lines = [];
    for (const { name, data, child } of perfs) {
      child.kill('SIGINT');
      await child.over;
      const text = await run('perf', ['report', '-i', data, '--sort', 'comm,symbol', '--stdio', '-q']).catch((e) => e.message);
      lines.push(`hot in ${name} (${data}):`,
        ...text.split('\n').filter((l) => l.trim()).slice(0, TOP).map((l) => `  ${l.trim().replace(/\s+-\s+-\s*$/, '')}`));
    }
    return lines;
  };
}
