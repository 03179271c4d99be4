// policy.mjs - policy decisions a second on one core with three packs that apply, with a thousand more
// packs loaded, beside the floor of one local-time look-up; and statements a second, which the mail measurement contains.
import { join } from 'node:path';
import * as place from './place.mjs';
import { run, runJson } from './process.mjs';

export async function measure({ rounds, quick }) {
  const n = quick ? 100000 : 1000000;
  const decide = [];
  const many = [];
  const zone = [];
  for (let i = 0; i < rounds; i++) {
    const r = await runJson(join(place.benches, 'policy_bench'), [place.source, String(n)]);
    decide.push((r.decide_seconds * 1e9) / n);
    many.push((r.many_seconds * 1e9) / n);
    zone.push((r.zone_seconds * 1e9) / n);
  }
  const statements = await run(join(place.benches, 'statement_bench'), []);
  return {
    title: 'One policy decision: 24 rules, three packs that apply, 14 days ahead, one core',
    rows: [
      { name: 'policy_decide', unit: 'ns', values: decide },
      { name: 'policy_decide beside 1000 packs', unit: 'ns', values: many },
      { name: 'local-time look-up', unit: 'ns', values: zone },
    ],
    ratios: [
      { name: 'decision / look-up', of: 'policy_decide', to: 'local-time look-up' },
      { name: 'a thousand packs more / three', of: 'policy_decide beside 1000 packs', to: 'policy_decide' },
    ],
    notes: ['Statements, one core:', ...statements.trim().split('\n').map((l) => `  ${l}`)],
  };
}
