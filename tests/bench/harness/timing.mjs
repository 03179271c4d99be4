// timing.mjs - what a learned hour costs with a million debtors in memory, met in random order, beside
// the floor of fetching the debtor's state; and the nightly fit on two threads.
import { join } from 'node:path';
import * as place from './place.mjs';
import { runJson } from './process.mjs';

export async function measure({ rounds, quick }) {
  const debtors = quick ? 100000 : 1000000;
  const contacts = quick ? 200000 : 10000000;
  const runs = [];
  for (let i = 0; i < rounds; i++)
    runs.push(await runJson(join(place.benches, 'timing_bench'), [String(debtors), String(contacts)]));
  const values = (name) => runs.map((r) => r[name]);
  return {
    title: `A learned hour: ${debtors} debtors with twenty and more contacts each, one core; fit of ${contacts} contacts on two`,
    rows: [
      { name: 'decision, model A', unit: 'ns', values: values('decision_a_ns') },
      { name: 'decision, model B', unit: 'ns', values: values('decision_b_ns') },
      { name: 'update of a state', unit: 'ns', values: values('update_ns') },
      { name: 'reading a state', unit: 'ns', values: values('floor_ns') },
      { name: 'fit', unit: 's', values: values('fit_seconds') },
    ],
    ratios: [
      { name: 'decision A / reading', of: 'decision, model A', to: 'reading a state' },
      { name: 'decision B / reading', of: 'decision, model B', to: 'reading a state' },
      { name: 'update / reading', of: 'update of a state', to: 'reading a state' },
    ],
    notes: [`largest state ${Math.max(...values('state_bytes_max'))} bytes of 256`],
  };
}
