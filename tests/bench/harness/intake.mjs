// intake.mjs - durable 1 KB jobs a second: through libdunlin, CURVE and a real gateway onto a Redis
// with appendfsync always; beside raw pipelined XADD of the same bytes and BullMQ's addBulk of the
// same jobs, each onto a fresh Redis with the same settings.
//
// Dunlin twice: the gateway with all its roles, which plans and records what it accepts at the same
// time on the same cores; and with the role intake alone, as a gateway does that has its dispatcher
// elsewhere. BullMQ and XADD have nothing behind them either way.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dunlin } from './dunlin.mjs';
import * as place from './place.mjs';
import { CpuWatch, run, runJson } from './process.mjs';
import { startRedis } from './redis.mjs';
import { cpuRows } from './report.mjs';

const BATCH = 20000;
const DEBTORS = 1000;

async function raw(n) {
  const redis = await startRedis();
  const r = await runJson(join(place.benches, 'raw_xadd'), [redis.socket, n, 1000, 8].map(String));
  await redis.stop();
  return r.n / r.seconds;
}

async function bullmq(n, jobs) {
  const redis = await startRedis();
  const watch = new CpuWatch({ redis: redis.pid });
  const r = await runJson('node', ['intake.mjs', redis.socket, jobs, '1000', '4'], { cwd: place.peers });
  const { cpu } = watch.take();
  await redis.stop();
  return { rate: r.n / r.seconds, us: ((r.cpu_seconds + cpu.redis) * 1e6) / r.n };
}

async function dunlin(n, roles) {
  const d = await Dunlin.up({ roles });
  const watch = new CpuWatch(d.pids);
  const r = await d.billing({ debtors: DEBTORS, 'not-before': '2099-01-01T00:00:00Z' }, 'burst', n, BATCH);
  const cpu = cpuRows(watch.take(), n);
  await d.down();
  return { rate: r.accepted / r.seconds, cpu };
}

export async function measure({ rounds, quick }) {
  const n = quick ? 20000 : 200000;
  const peerN = quick ? 10000 : 50000;
  const folder = place.newFolder('jobs');
  const jobs = join(folder, 'jobs.jsonl');
  writeFileSync(jobs, await run(join(place.benches, 'billing'), ['print', String(peerN)]));
  const values = { intake: [], whole: [], raw: [], bullmq: [] };
  let last;
  for (let i = 0; i < rounds; i++) {
    last = { intake: await dunlin(n, 'intake'), whole: await dunlin(n), bullmq: null };
    values.intake.push(last.intake.rate);
    values.whole.push(last.whole.rate);
    values.raw.push(await raw(n));
    last.bullmq = await bullmq(peerN, jobs);
    values.bullmq.push(last.bullmq.rate);
  }
  place.dropFolder(folder);
  const row = (name, key, goal) => ({ name, unit: 'jobs/s', values: values[key], goal });
  return {
    title: `Durable intake of 1 KB jobs, calls of ${BATCH}, appendfsync always`,
    rows: [
      row('dunlin, role intake', 'intake', '100,000'),
      row('dunlin, all roles', 'whole'),
      row('raw pipelined XADD', 'raw'),
      row('BullMQ addBulk', 'bullmq'),
    ],
    ratios: [
      { name: 'dunlin intake / BullMQ', of: 'dunlin, role intake', to: 'BullMQ addBulk', goal: '3' },
      { name: 'dunlin all roles / BullMQ', of: 'dunlin, all roles', to: 'BullMQ addBulk', goal: '3' },
      { name: 'dunlin intake / raw XADD', of: 'dunlin, role intake', to: 'raw pipelined XADD' },
    ],
    cpu: last.intake.cpu,
    cpuUnit: 'a job, role intake',
    notes: [`BullMQ: ${last.bullmq.us.toFixed(1)} us of CPU a job, its process and Redis together.`],
  };
}
