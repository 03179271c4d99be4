// sms.mjs - accepted-to-provider SMS: the whole of `dunlin up` onto a real Kannel with its fake SMSC,
// from the first submission to the last message Kannel has accepted, with policy and evidence; beside
// wrk that calls Kannel's sendsms with the same parameters and nothing else.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Dunlin } from './dunlin.mjs';
import * as place from './place.mjs';
import { CpuWatch, run, sleep, start, stop } from './process.mjs';
import { cpuRows } from './report.mjs';

const FAKESMSC = '/usr/lib/kannel/test/fakesmsc';
const DEBTORS = 1000;
const UNDER_WAY = 64; // requests at once, of both
const PASSWORD = 'kannel-secret';

const freePort = () => new Promise((resolve, reject) => {
  const s = createServer();
  s.on('error', reject);
  s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

const opens = (port) => new Promise((resolve) => {
  const c = connect(port, '127.0.0.1', () => { c.destroy(); resolve(true); });
  c.on('error', () => resolve(false));
});

async function awaitPort(port, child) {
  for (let i = 0; !(await opens(port)); i++) {
    if (i === 200) throw new Error(`port ${port} does not open; see ${child.log}`);
    await sleep(50);
  }
}

const conf = (p) => `group = core
admin-port = ${p.admin}
smsbox-port = ${p.smsbox}
admin-password = unused
dlr-storage = internal
sms-outgoing-queue-limit = 10000000

group = smsc
smsc = fake
smsc-id = FAKE
port = ${p.fake}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = ${p.sendsms}
global-sender = 13013

group = sendsms-user
username = dunlin
password = ${PASSWORD}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
text = ""
`;

async function startKannel() {
  if (!existsSync(FAKESMSC)) throw new Error('kannel-extras is not installed');
  const folder = place.newFolder('kannel');
  const p = {};
  for (const name of ['admin', 'smsbox', 'fake', 'sendsms']) p[name] = await freePort();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'kannel.conf');
  writeFileSync(file, conf(p));
  const log = (name) => ({ log: join(place.logs, `${name}.log`) });
  const bearerbox = start('bearerbox', ['-v', '2', file], log('bearerbox'));
  await awaitPort(p.smsbox, bearerbox);
  await awaitPort(p.fake, bearerbox);
  // The fake SMSC ends with its standard input, so that it gets one that stays.
  const smsc = start('sh', ['-c', `exec tail -f /dev/null | ${FAKESMSC} -v 2 -H 127.0.0.1 -r ${p.fake}`], log('fakesmsc'));
  const smsbox = start('smsbox', ['-v', '2', file], log('smsbox'));
  await awaitPort(p.sendsms, smsbox);
  return { port: p.sendsms, pids: { bearerbox: bearerbox.pid, smsbox: smsbox.pid },
    stop: async () => { await stop(smsbox); await stop(smsc); await stop(bearerbox); place.dropFolder(folder); } };
}

async function dunlin(n, kannel) {
  const d = await Dunlin.up({ kannel: { port: kannel.port, password: PASSWORD, concurrency: UNDER_WAY } });
  await d.billing({}, 'debtors', DEBTORS);
  const watch = new CpuWatch({ ...d.pids, ...kannel.pids });
  const sent = await d.billing({ debtors: DEBTORS, channel: 'sms' }, 'burst', n, n);
  const end = await d.awaitState('delivered', n);
  const taken = watch.take();
  await d.down();
  const since = (ns) => n / ((ns - sent.start_ns) / 1e9);
  return { rate: since(end.reached_ns), recorded: since(end.recorded_ns), cpu: cpuRows(taken, n) };
}

// The text a job of billing.c becomes (English payment-reminder), to the same number of parts.
const TEXT = 'Example Creditor: EUR 22,376.00, ref. C-1, was due September 16, 2026. Already paid? Please '
  + 'ignore. Questions: receivables@creditor.example.test. Reply STOP to opt out.';

async function wrk(seconds, kannel) {
  const query = new URLSearchParams({ from: 'Dunlin', to: '+493023125001', coding: '0', charset: 'UTF-8', text: TEXT,
    validity: '1439', 'dlr-mask': '31', username: 'dunlin', password: PASSWORD });
  const out = await run('wrk', ['-t', '1', '-c', String(UNDER_WAY), '-d', `${seconds}s`,
    `http://127.0.0.1:${kannel.port}/cgi-bin/sendsms?${query}`]);
  if (/Non-2xx/.test(out)) throw new Error(`Kannel refused wrk: ${out}`);
  return Number(/Requests\/sec:\s*([\d.]+)/.exec(out)[1]);
}

export async function measure({ rounds, quick }) {
  const n = quick ? 2000 : 20000;
  const values = { dunlin: [], recorded: [], wrk: [] };
  let last;
  for (let i = 0; i < rounds; i++) { // a Kannel of its own each, so that no queue is left from before
    let kannel = await startKannel();
    last = await dunlin(n, kannel);
    await kannel.stop();
    values.dunlin.push(last.rate);
    values.recorded.push(last.recorded);
    kannel = await startKannel();
    values.wrk.push(await wrk(quick ? 2 : 5, kannel));
    await kannel.stop();
  }
  return {
    title: `Accepted to provider, ${n} SMS of two parts through Kannel, full policy and evidence`,
    rows: [
      { name: 'dunlin, accepted by Kannel', unit: 'SMS/s', values: values.dunlin },
      { name: 'dunlin, evidence logged', unit: 'SMS/s', values: values.recorded },
      { name: 'wrk on the same address', unit: 'SMS/s', values: values.wrk },
    ],
    ratios: [{ name: 'dunlin / wrk', of: 'dunlin, accepted by Kannel', to: 'wrk on the same address', goal: '0.5' }],
    notes: [`Both with ${UNDER_WAY} requests under way. Receipts are not asked for.`],
    cpu: last.cpu, cpuUnit: 'an SMS',
  };
}
