// redis.mjs - a redis-server of our own with the settings `dunlin up` uses (deploy/redis).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as place from './place.mjs';
import { run, sleep, start, stop } from './process.mjs';

export const cli = (socket, ...args) => run('redis-cli', ['-s', socket, ...args]);

export async function info(socket, name) {
  const text = await cli(socket, 'INFO');
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
}

// {socket, pid, stop}: in a folder of its own that goes with it, or in one given.
export async function startRedis(data, socket) {
  const folder = data ? null : place.newFolder('redis');
  const at = socket ?? join(folder, 'r.sock');
  const child = start('redis-server', [join(place.source, 'deploy/redis/private.conf'),
    '--dir', data ?? folder, '--unixsocket', at], { log: join(place.logs, 'redis.log') });
  for (let i = 0; !existsSync(at) || !(await cli(at, 'PING').catch(() => '')).includes('PONG'); i++) {
    if (i === 200) throw new Error(`redis-server does not answer; see ${child.log}`);
    await sleep(50);
  }
  return { socket: at, pid: child.pid, stop: async () => { await stop(child); if (folder) place.dropFolder(folder); } };
}
