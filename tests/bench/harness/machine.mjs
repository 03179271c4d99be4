// machine.mjs - what the numbers were measured on: processor, kernel, load, and what a durable write
// costs on the disk of the build folder.
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import * as place from './place.mjs';
import { median, number } from './stats.mjs';

const PROBES = 200;

// Milliseconds of writing 1 KB and forcing it to disk, the median of PROBES.
function durableWrite() {
  const folder = place.newFolder('probe');
  const fd = openSync(join(folder, 'probe'), 'w');
  const bytes = Buffer.alloc(1024, 'x');
  const took = [];
  for (let i = 0; i < PROBES; i++) {
    const start = process.hrtime.bigint();
    writeSync(fd, bytes);
    fdatasyncSync(fd);
    took.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  closeSync(fd);
  place.dropFolder(folder);
  return median(took);
}

export const load = () => loadavg()[0];

export function describe() {
  return { cpu: cpus()[0].model, cores: cpus().length, load: load(), durable_write_ms: durableWrite(),
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim() };
}

export const text = (m) =>
  `${m.cores} x ${m.cpu}, Linux ${m.kernel}, load ${number(m.load)}, a durable write of 1 KB ${number(m.durable_write_ms)} ms`;
