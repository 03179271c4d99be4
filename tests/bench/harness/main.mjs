// main.mjs WHAT [--json FILE] [--rounds N] [--quick] - runs measurements; deploy/bench calls it.
import { cpus, loadavg } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as intake from './intake.mjs';
import * as latency from './latency.mjs';
import * as mail from './mail.mjs';
import * as memory from './memory.mjs';
import * as policy from './policy.mjs';
import { stopAll } from './process.mjs';
import { finish, print } from './report.mjs';

const measurements = {
  policy: policy.measure,
  intake: intake.measure,
  mail: mail.measure,
  pdf: mail.measurePdf,
  latency: latency.measure,
  memory: memory.measure,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '3' }, quick: { type: 'boolean', default: false } },
});
const wanted = positionals.length && !positionals.includes('all') ? positionals : Object.keys(measurements);
const unknown = wanted.find((w) => !measurements[w]);
if (unknown || !(Number(values.rounds) >= 1)) {
  console.error(`bench: ${unknown ?? '--rounds'}? Measurements: ${Object.keys(measurements).join(', ')}, all`);
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => stopAll().then(() => process.exit(1)));

const machine = {
  cpu: cpus()[0].model, cores: cpus().length, load: loadavg()[0],
  kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
};
console.log(`${machine.cores} x ${machine.cpu}, load ${machine.load.toFixed(2)} at the start; median (min .. max) of ${values.rounds} rounds`);
const results = {};
let failed = 0;
for (const name of wanted) {
  try {
    results[name] = finish(await measurements[name]({ rounds: Number(values.rounds), quick: values.quick }));
    print(results[name]);
  } catch (e) {
    failed++;
    console.error(`\n== ${name} could not be measured: ${e.message}`);
    await stopAll();
  }
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 1)}\n`);
await stopAll();
process.exit(failed ? 1 : 0);
