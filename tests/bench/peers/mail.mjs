// mail.mjs SOCKET JOBS.jsonl PORT WORKERS CONCURRENCY CONNECTIONS - accepted-to-delivered mail with
// BullMQ and nodemailer: this process adds the jobs with addBulk, WORKERS child processes
// (mail_worker.mjs) render and send them. The clock runs from the first addBulk to the last
// completed job. Prints {"n","seconds","accepted_seconds","cpu_seconds"}.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Queue } from 'bullmq';
import { connection, say, cpuSeconds } from './common.mjs';

const BATCH = 1000;
const [socket, file, port, workers, concurrency, connections] = process.argv.slice(2);
const jobs = readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => {
  const data = JSON.parse(line);
  return { name: 'reminder', data, opts: { jobId: data.id, removeOnComplete: true } };
});

let sent = 0;
let failed = 0;
let cpu = 0;
let done;
const all = new Promise((resolve) => { done = resolve; });
const children = [];
for (let i = 0; i < Number(workers); i++) {
  const child = fork(new URL('./mail_worker.mjs', import.meta.url).pathname,
    [socket, port, concurrency, connections]);
  const ready = new Promise((resolve) => { child.once('message', resolve); });
  children.push(child);
  await ready;
  child.on('message', (m) => {
    sent += m.sent ?? 0;
    failed += m.failed ?? 0;
    cpu += m.cpu_seconds ?? 0;
    if (sent + failed >= jobs.length) done();
  });
}

const queue = new Queue('mail', { connection: connection(socket) });
await queue.waitUntilReady();
const cpuBefore = cpuSeconds();
const start = process.hrtime.bigint();
const since = () => Number(process.hrtime.bigint() - start) / 1e9;
for (let i = 0; i < jobs.length; i += BATCH) await queue.addBulk(jobs.slice(i, i + BATCH));
const acceptedSeconds = since();
await all;
const seconds = since();
const exits = children.map((c) => new Promise((resolve) => { c.on('exit', resolve); }));
for (const c of children) c.send('stop');
await Promise.all(exits);
if (failed) throw new Error(`${failed} mails failed`);
say({ n: sent, seconds, accepted_seconds: acceptedSeconds,
  cpu_seconds: cpu + cpuSeconds() - cpuBefore });
await queue.close();
process.exit(0); // a connection of our own keeps the loop alive
