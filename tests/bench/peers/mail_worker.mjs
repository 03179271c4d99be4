// mail_worker.mjs SOCKET PORT CONCURRENCY CONNECTIONS - one BullMQ worker that renders a reminder
// with its CSV statement and sends it through nodemailer's pool. The message has the parts Dunlin's
// has: text, HTML, CSV attachment. Tells its parent how many were sent.
import { Worker } from 'bullmq';
import nodemailer from 'nodemailer';
import { connection, cpuSeconds } from './common.mjs';

const REPORT_EVERY = 100;
const REPORT_MS = 20;
const [socket, port, concurrency, connections] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  pool: true, host: '127.0.0.1', port: Number(port), secure: false, ignoreTLS: true,
  maxConnections: Number(connections), maxMessages: 100,
});
const money = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' });
const day = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' });
const cell = (s) => (/[",\r\n]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s);
const html = (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function render(job) {
  const items = job.facts.items.map((i) => ({
    ...i, amount: money.format(i.amount_minor / 100), date: day.format(new Date(i.due)),
  }));
  const total = money.format(items.reduce((sum, i) => sum + i.amount_minor, 0) / 100);
  const lines = items.map((i) => `- ${i.id}: ${i.amount}, due ${i.date}`).join('\n');
  const rows = items.map((i) => `<tr><td>${html(i.id)}</td><td>${html(i.date)}</td><td>${html(i.amount)}</td></tr>`).join('\n');
  const csv = ['Reference,Description,Issued,Due,Amount,Currency',
    ...items.map((i) => [i.id, i.description, i.issued, i.due, (i.amount_minor / 100).toFixed(2), i.currency].map(cell).join(','))].join('\r\n');
  return {
    from: { name: 'Accounts receivable', address: 'receivables@creditor.example.test' },
    to: { name: 'R. Sample', address: `${job.debtor.toLowerCase()}@bench.example.test` },
    subject: `Payment reminder ${job.case}`,
    messageId: `<${job.id}@creditor.example.test>`,
    list: { unsubscribe: 'mailto:stop@creditor.example.test' },
    text: `Dear R. Sample,\n\nAccording to our records ${total} is open. Please arrange it, or reply with the date on which we can expect it.\n\n${lines}\n\nIf you have paid already, please disregard this message.\n\nThank you.\n`,
    html: `<!DOCTYPE html><html><body><p>Dear R. Sample,</p><p>According to our records <strong>${html(total)}</strong> is open. Please arrange it, or reply with the date on which we can expect it.</p><table>${rows}</table><p>If you have paid already, please disregard this message.</p><p>Thank you.</p></body></html>\n`,
    attachments: [{ filename: 'statement.csv', contentType: 'text/csv; charset=utf-8', content: `\ufeff${csv}\r\n` }],
  };
}

let sent = 0;
let failed = 0;
const report = () => {
  if (sent || failed) process.send({ sent, failed });
  sent = 0;
  failed = 0;
};
const worker = new Worker('mail', async (job) => transport.sendMail(render(job.data)),
  { connection: connection(socket), concurrency: Number(concurrency) });
worker.on('completed', () => { if (++sent >= REPORT_EVERY) report(); });
worker.on('failed', (job, error) => { failed++; process.stderr.write(`${error.message}\n`); });
const timer = setInterval(report, REPORT_MS);
await worker.waitUntilReady();
const cpu = cpuSeconds();
process.on('message', async () => {
  clearInterval(timer);
  process.send({ cpu_seconds: cpuSeconds() - cpu });
  await worker.close();
  transport.close();
  process.exit(0);
});
process.send({ ready: true });
