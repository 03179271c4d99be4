// memory.mjs - what a planned reminder costs while it waits: Redis used_memory and the gateway's
// resident memory, before and after planning a million of them (1 KB submissions, 1,000 debtors, due
// in years), when the evidence log has taken everything. Beside it the bytes of the submission
// itself, which no store can do without.
import { Dunlin } from './dunlin.mjs';
import { rssOf } from './process.mjs';
import { info } from './redis.mjs';

const DEBTORS = 100000;
const BATCH = 20000;
const BODY = 1024;

export async function measure({ quick }) {
  const n = quick ? 50000 : 1000000;
  const debtors = Math.min(DEBTORS, n / 10);
  const d = await Dunlin.up();
  await d.billing({}, 'debtors', debtors);
  await d.awaitState('planned', 0, 120);
  const redis = await info(d.redisSocket, 'used_memory');
  const gateway = rssOf(d.pids.gateway);
  const start = process.hrtime.bigint();
  await d.billing({ debtors, 'not-before': '2099-01-01T00:00:00Z' }, 'burst', n, BATCH);
  await d.awaitState('planned', n, 1200);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const redisEach = ((await info(d.redisSocket, 'used_memory')) - redis) / n;
  const gatewayEach = (rssOf(d.pids.gateway) - gateway) / n;
  await d.down();
  return {
    title: `Memory of ${n.toLocaleString('en')} planned reminders, ${debtors.toLocaleString('en')} debtors`,
    rows: [
      { name: 'Redis', unit: 'bytes a reminder', values: [redisEach] },
      { name: 'gateway', unit: 'bytes a reminder', values: [gatewayEach] },
      { name: 'the submission itself', unit: 'bytes', values: [BODY] },
    ],
    ratios: [{ name: 'Redis / submission', of: 'Redis', to: 'the submission itself' }],
    notes: [`Accepted, planned and logged at ${Math.round(n / seconds)} a second.`],
  };
}
