// dunlin.mjs - a whole Dunlin for one measurement: a data folder and a configuration folder of its
// own, started with `dunlin up` (private Redis, gateway, one worker: e-mail, or SMS).
//
// The configuration differs from the shipped one where a measurement would only wait: the rule pack
// has no closed hours and no caps worth mentioning (every check still runs), and intake may run ahead
// of the evidence log.
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as place from './place.mjs';
import { childrenOf, run, runJson, start, stop } from './process.mjs';
import { startRedis } from './redis.mjs';

const NOTE = { source: 'bench', read: '2026-01-01', confidence: 'house' };
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const rules = {
  format: 2, id: 'bench', version: '1', title: 'Always open', roles: ['company', 'guarantor'], holidays: null,
  windows: ['email', 'sms'].map((channel) => ({ channel, days: DAYS, from: '00:00', to: '24:00', ...NOTE })),
  caps: ['*', 'email', 'sms'].map((field) => ({ field, per: 'day', max: 1000, ...NOTE })),
  consent: ['email', 'sms'].map((channel) => ({ channel, mode: 'opt-out', ...NOTE })),
};

function configOf({ port, pdf, sessions, credit, kannel }) {
  return {
    intake: { outbox_max: 10000000 },
    evidence: { origin: 'bench.example.test/log', node: 'bench' },
    templates: { dir: join(place.source, 'templates'), locale: 'en' },
    email: {
      transport: port ? 'smtp' : 'outbox', pdf: pdf ? 'yes' : 'no', sessions, credit,
      smtp: { host: '127.0.0.1', port: port ?? 25, tls: 'none' },
    },
    ...(kannel ? { sms: { transport: 'provider', providers: 'kannel', credit } } : {}),
  };
}

function writeConfig(folder, options) {
  const config = join(folder, 'config');
  mkdirSync(join(config, 'rules'), { recursive: true });
  for (const part of readdirSync(join(place.source, 'config')))
    if (!['rules', 'loader', 'dunlin.jsonc'].includes(part)) cpSync(join(place.source, 'config', part), join(config, part), { recursive: true });
  writeFileSync(join(config, 'rules/bench.jsonc'), JSON.stringify(rules));
  writeFileSync(join(config, 'dunlin.jsonc'), JSON.stringify(configOf(options)));
  return join(config, 'dunlin.jsonc');
}

// The shipped description of Kannel with this one's port and login; what the bench must not wait for
// is its limit of requests under way.
function writeKannel(config, data, { port, password, concurrency }) {
  mkdirSync(join(config, '../providers'), { recursive: true });
  mkdirSync(join(data, 'secrets'), { recursive: true, mode: 0o700 });
  const text = readFileSync(join(place.source, 'config/providers/kannel.jsonc'), 'utf8')
    .replace('127.0.0.1:13013', `127.0.0.1:${port}`).replace('"concurrency": 64', `"concurrency": ${concurrency}`);
  writeFileSync(join(config, '../providers/kannel.jsonc'), text);
  for (const [name, value] of Object.entries({ password, callback_key: 'unused' }))
    writeFileSync(join(data, `secrets/kannel.${name}`), value, { mode: 0o600 });
}

export class Dunlin {
  // port: of the SMTP relay; kannel: {port, password, concurrency} of Kannel's sendsms instead; or
  // none: then there is no worker at all. roles: of the gateway; other
  // than all, it is started beside a Redis of our own once `up` has made the keys.
  static async up({ port, kannel, pdf = false, sessions = 4, credit = 1024, roles } = {}) {
    const d = new Dunlin();
    d.folder = place.newFolder('dunlin');
    d.data = join(d.folder, 'data');
    d.config = writeConfig(d.folder, { port, pdf, sessions, credit, kannel });
    if (kannel) writeKannel(d.config, d.data, kannel);
    d.redisSocket = join(d.data, 'run/redis.sock');
    d.endpoint = `ipc://${join(d.data, 'run/intake.sock')}`;
    d.child = start(join(place.programs, 'dunlin'),
      ['up', '--data', d.data, '--config', d.config, '--with', port ? 'email' : kannel ? 'sms' : ''],
      { log: join(place.logs, 'dunlin.log') });
    await run(join(place.programs, 'dunlin'),
      ['status', '--wait', '30', '--data', d.data, '--config', d.config, '--json'])
      .catch((e) => { throw new Error(`${e.message}\n${d.lastWords()}`); });
    d.pids = {};
    for (const { pid, name } of childrenOf(d.child.pid))
      d.pids[{ 'redis-server': 'redis', 'dunlin-gateway': 'gateway', 'dunlin-worker': 'worker' }[name] ?? name] = pid;
    d.children = [d.child];
    if (roles) await d.restart(roles);
    return d;
  }

  // `dunlin up` has made keys and folders; now Redis and a gateway with these roles alone.
  async restart(roles) {
    await stop(this.child);
    this.redis = await startRedis(join(this.data, 'redis'), this.redisSocket);
    const gateway = start(join(place.programs, 'dunlin-gateway'),
      ['--data', this.data, '--config', this.config, '--roles', roles],
      { log: join(this.data, 'logs/gateway.log') });
    this.children = [gateway];
    this.pids = { redis: this.redis.pid, gateway: gateway.pid };
    await this.billing({}, 'debtors', 1); // it answers
  }

  // tests/bench/billing.c with the keys of this plant.
  billing(options, ...command) {
    return runJson(join(place.benches, 'billing'), this.billingArgs('local', options, command));
  }

  awaitState(state, n, seconds = 300) {
    return runJson(join(place.benches, 'billing'),
      this.billingArgs('operator', {}, ['await', state, n, seconds]), { seconds: seconds + 30 });
  }

  billingArgs(key, options, command) {
    return ['--endpoint', this.endpoint, '--server-key', join(this.data, 'keys/gateway.pub'),
      '--key', join(this.data, `keys/secret/${key}.key`),
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...command.map(String)];
  }

  lastWords() {
    return readFileSync(join(this.data, 'logs/gateway.log'), 'utf8').trim().split('\n').slice(-3).join('\n');
  }

  async down() {
    await Promise.all(this.children.map(stop));
    await this.redis?.stop();
    place.dropFolder(this.folder);
  }
}
