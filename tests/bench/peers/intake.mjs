// intake.mjs SOCKET JOBS.jsonl BATCH IN_FLIGHT - BullMQ's durable intake: addBulk of the jobs in
// JOBS.jsonl, BATCH a call, IN_FLIGHT calls at once. The job's id is BullMQ's job id, so that, as
// with Dunlin, the same id twice is one job. Prints {"n","seconds","cpu_seconds"}.
import { readFileSync } from 'node:fs';
import { Queue } from 'bullmq';
import { connection, say, cpuSeconds } from './common.mjs';

const [socket, file, batchText, inFlightText] = process.argv.slice(2);
const batch = Number(batchText);
const jobs = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
  const data = JSON.parse(line);
  return { name: 'reminder', data, opts: { jobId: data.id, removeOnComplete: true } };
});
const queue = new Queue('intake', { connection: connection(socket) });
await queue.waitUntilReady();

const cpu = cpuSeconds();
const start = process.hrtime.bigint();
let next = 0;
const sender = async () => {
  while (next < jobs.length) {
    const from = next;
    next += batch;
    await queue.addBulk(jobs.slice(from, from + batch));
  }
};
await Promise.all(Array.from({ length: Number(inFlightText) }, sender));
const seconds = Number(process.hrtime.bigint() - start) / 1e9;
say({ n: jobs.length, seconds, cpu_seconds: cpuSeconds() - cpu });
await queue.close();
process.exit(0); // a connection of our own keeps the loop alive
