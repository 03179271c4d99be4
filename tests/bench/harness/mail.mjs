// mail.mjs - accepted-to-delivered e-mail: the whole of `dunlin up` onto Postfix's smtp-sink, from
// the first submission to the last delivered reminder, with its full evidence; beside libESMTP alone
// with prebuilt bytes and BullMQ with nodemailer, both to the same sink. `pdf` sends the statement as
// PDF beside the CSV.
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Dunlin } from './dunlin.mjs';
import * as place from './place.mjs';
import * as perf from './perf.mjs';
import { CpuWatch, firstLine, run, runJson, sleep, start, stop } from './process.mjs';
import { startRedis } from './redis.mjs';
import { cpuRows } from './report.mjs';

const SINK = '/usr/sbin/smtp-sink';
const DEBTORS = 1000;
const SESSIONS = 4; // Dunlin's SMTP sessions, libESMTP's threads, nodemailer's connections
const A_SESSION = 100; // messages of one session

const freePort = () => new Promise((resolve, reject) => {
  const s = createServer();
  s.on('error', reject);
  s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

const answers = (port) => new Promise((resolve) => {
  const c = connect(port, '127.0.0.1');
  c.on('data', () => { c.destroy(); resolve(true); });
  c.on('error', () => resolve(false));
});

async function startSink() {
  const port = await freePort();
  const child = start(SINK, ['-u', 'nobody', `127.0.0.1:${port}`, '512'],
    { log: join(place.logs, 'smtp-sink.log') });
  for (let i = 0; !(await answers(port)); i++) {
    if (i === 100) throw new Error(`smtp-sink does not answer; see ${child.log}`);
    await sleep(50);
  }
  return { port, pid: child.pid, stop: () => stop(child) };
}

async function dunlin(n, port, sinkPid, pdf, last) {
  const d = await Dunlin.up({ port, pdf, sessions: SESSIONS });
  await d.billing({}, 'debtors', DEBTORS);
  const watch = new CpuWatch({ ...d.pids, sink: sinkPid });
  const hot = last ? perf.record(d.pids) : async () => [];
  const sent = await d.billing({ debtors: DEBTORS, statement: 'detailed' }, 'burst', n, n);
  const end = await d.awaitState('delivered', n);
  const taken = watch.take();
  const notes = await hot();
  await d.down();
  const since = (ns) => n / ((ns - sent.start_ns) / 1e9);
  return { rate: since(end.reached_ns), recorded: since(end.recorded_ns), accepted: n / sent.seconds,
    cpu: cpuRows(taken, n), turns: end.status.dispatch.turns, notes };
}

// One message as the worker builds it, caught by the sink of ours: what libESMTP is given.
async function catchMessage(folder, pdf) {
  const message = join(folder, 'message.eml');
  const sink = start(join(place.benches, 'stamp_sink'), [join(folder, 'stamps'), message],
    { log: join(place.logs, 'stamp_sink.log'), lines: true });
  const d = await Dunlin.up({ port: Number(await firstLine(sink)), pdf });
  await d.billing({}, 'debtors', 1);
  await d.billing({ debtors: 1, statement: 'detailed' }, 'burst', 1, 1);
  await d.awaitState('delivered', 1, 60);
  await d.down();
  await stop(sink);
  return message;
}

async function libesmtp(n, port, message) {
  const r = await runJson(join(place.benches, 'raw_smtp'), [port, n, SESSIONS, A_SESSION, message].map(String));
  if (r.delivered !== n) throw new Error(`libESMTP alone delivered ${r.delivered} of ${n}`);
  return { rate: n / r.seconds, bytes: r.bytes };
}

async function bullmq(jobs, port) {
  const redis = await startRedis();
  const watch = new CpuWatch({ redis: redis.pid });
  const r = await runJson('node', ['mail.mjs', redis.socket, jobs, port, 2, 50, SESSIONS / 2].map(String), { cwd: place.peers });
  const { cpu } = watch.take();
  await redis.stop();
  return { rate: r.n / r.seconds, us: ((r.cpu_seconds + cpu.redis) * 1e6) / r.n };
}

async function measureMail({ rounds, quick }, pdf) {
  const n = (quick ? 2000 : 20000) / (pdf ? 4 : 1);
  const peerN = quick ? 1000 : 5000;
  const folder = place.newFolder('jobs');
  const jobs = join(folder, 'jobs.jsonl');
  writeFileSync(jobs, await run(join(place.benches, 'billing'), ['print', String(peerN)]));
  const message = await catchMessage(folder, pdf);
  const sink = await startSink();
  const values = { dunlin: [], recorded: [], libesmtp: [], bullmq: [] };
  let last;
  for (let i = 0; i < rounds; i++) {
    last = { dunlin: await dunlin(n, sink.port, sink.pid, pdf, i === rounds - 1) };
    values.dunlin.push(last.dunlin.rate);
    values.recorded.push(last.dunlin.recorded);
    last.libesmtp = await libesmtp(n, sink.port, message);
    values.libesmtp.push(last.libesmtp.rate);
    if (pdf) continue;
    last.bullmq = await bullmq(jobs, sink.port);
    values.bullmq.push(last.bullmq.rate);
  }
  await sink.stop();
  place.dropFolder(folder);
  const rows = [
    { name: 'dunlin, delivered', unit: 'mails/s', values: values.dunlin, goal: pdf ? '1,000' : 'about 10,000' },
    { name: 'dunlin, evidence logged', unit: 'mails/s', values: values.recorded },
    { name: 'libESMTP alone', unit: 'mails/s', values: values.libesmtp },
  ];
  const ratios = [{ name: 'dunlin / libESMTP alone', of: 'dunlin, delivered', to: 'libESMTP alone' }];
  const notes = [`A message has ${last.libesmtp.bytes} bytes. Dispatch took ${last.dunlin.turns} turns; intake alone took ${Math.round(last.dunlin.accepted)} jobs/s of it.`];
  if (!pdf) {
    rows.push({ name: 'BullMQ + nodemailer', unit: 'mails/s', values: values.bullmq });
    ratios.push({ name: 'dunlin / BullMQ + nodemailer', of: 'dunlin, delivered', to: 'BullMQ + nodemailer', goal: '5' });
    notes.push(`BullMQ + nodemailer (no evidence, no policy): ${last.bullmq.us.toFixed(0)} us of CPU a mail, its three processes and Redis.`);
  }
  return {
    title: `Accepted to delivered, ${n} e-mails with the statement as CSV${pdf ? ' and PDF' : ''}, full evidence`,
    rows, ratios, notes: [...notes, ...last.dunlin.notes], cpu: last.dunlin.cpu, cpuUnit: 'a mail',
  };
}

export const measure = (options) => measureMail(options, false);
export const measurePdf = (options) => measureMail(options, true);
