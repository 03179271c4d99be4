// calls.mjs - ten thousand automated calls outstanding at a slow HTTP provider at the same time: resident memory
// of the real worker while the provider holds every request, beside libcurl alone holding as many.
import { join } from 'node:path';
import * as place from './place.mjs';
import { runJson } from './process.mjs';

const MB = 1024;

export async function measure({ rounds, quick }) {
  const n = quick ? 1000 : 10000;
  const held = [];
  const each = [];
  const bare = [];
  const rate = [];
  for (let i = 0; i < rounds; i++) {
    const r = await runJson(join(place.benches, 'calls_bench'),
      [join(place.programs, 'dunlin-worker'), place.source, String(n)]);
    if (r.delivered !== n) throw new Error(`${r.delivered} of ${n} calls were delivered`);
    held.push(r.held_kb / MB);
    each.push(((r.held_kb - r.idle_kb) * 1024) / n);
    bare.push(r.bare_kb / MB);
    rate.push(n / r.open_seconds);
  }
  return {
    title: `${n.toLocaleString('en')} calls outstanding at a slow provider, a connection each`,
    rows: [
      { name: 'worker', unit: 'MB resident', values: held },
      { name: 'worker, each call', unit: 'bytes', values: each },
      { name: 'libcurl alone', unit: 'MB', values: bare },
      { name: 'task to held request', unit: 'calls/s', values: rate },
    ],
    ratios: [{ name: 'worker / libcurl alone', of: 'worker', to: 'libcurl alone' }],
    notes: ['Goal: within 200 MB for 10,000.'],
  };
}
