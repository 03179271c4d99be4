// main.mjs WHAT [--json FILE] [--rounds N] [--quick] [--perf] - runs measurements; deploy/bench calls it.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as calls from './calls.mjs';
import * as intake from './intake.mjs';
import * as latency from './latency.mjs';
import * as machine from './machine.mjs';
import * as mail from './mail.mjs';
import * as memory from './memory.mjs';
import * as perf from './perf.mjs';
import * as policy from './policy.mjs';
import { stopAll } from './process.mjs';
import { finish, print } from './report.mjs';
import * as sms from './sms.mjs';
import * as timing from './timing.mjs';

const measurements = {
  policy: policy.measure,
  timing: timing.measure,
  calls: calls.measure,
  intake: intake.measure,
  mail: mail.measure,
  pdf: mail.measurePdf,
  sms: sms.measure,
  latency: latency.measure,
  memory: memory.measure,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '3' }, quick: { type: 'boolean', default: false },
    perf: { type: 'boolean', default: false } },
});
const wanted = positionals.length && !positionals.includes('all') ? positionals : Object.keys(measurements);
const unknown = wanted.find((w) => !measurements[w]);
if (unknown || !(Number(values.rounds) >= 1)) {
  console.error(`bench: ${unknown ?? '--rounds'}? Measurements: ${Object.keys(measurements).join(', ')}, all`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => stopAll().then(() => process.exit(1)));

if (values.perf) perf.enable();
const here = machine.describe();
console.log(`${machine.text(here)}; median (min .. max) of ${values.rounds} rounds`);
const results = {};
let failed = 0;
for (const name of wanted) {
  const load = machine.load();
  try {
    results[name] = finish(await measurements[name]({ rounds: Number(values.rounds), quick: values.quick }));
    results[name].load = load;
    print(results[name]);
  } catch (e) {
    failed++;
    console.error(`\n== ${name} could not be measured: ${e.message}`);
    await stopAll();
  }
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: here, results }, null, 1)}\n`);
await stopAll();
process.exit(failed ? 1 : 0);
