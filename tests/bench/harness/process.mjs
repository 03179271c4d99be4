// process.mjs - start, feed, watch and stop the processes of a measurement. Everything started here
// is stopped by stopAll, which main.mjs calls at every end.
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';

const STOP_MS = 40000;
const TICKS = 100; // USER_HZ of every Linux port Debian has
const running = new Set();

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// A process that stays. stdout and stderr go to the file log; with lines true stdout is read instead.
export function start(command, args, { log, lines = false, env = {} }) {
  const out = openSync(log, 'a');
  const child = spawn(command, args, {
    stdio: ['ignore', lines ? 'pipe' : out, out], env: { ...process.env, ...env },
  });
  closeSync(out);
  child.over = new Promise((resolve) => {
    child.on('exit', (code, signal) => { running.delete(child); resolve(code ?? signal); });
    child.on('error', (e) => { running.delete(child); resolve(e.message); });
  });
  child.log = log;
  running.add(child);
  return child;
}

export const firstLine = (child) => new Promise((resolve, reject) => {
  let text = '';
  child.stdout.on('data', (d) => { text += d; if (text.includes('\n')) resolve(text.split('\n')[0]); });
  child.over.then((why) => reject(new Error(`${child.spawnfile} ended (${why}); see ${child.log}`)));
});

export async function stop(child) {
  if (!running.has(child)) return;
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await child.over;
  clearTimeout(late);
}

export const stopAll = () => Promise.all([...running].map(stop));

// A program that ends by itself: its standard output. Rejects with its last words.
export function run(command, args, { seconds = 300, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    const late = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { err += d; });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(late);
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ended with ${code ?? signal}: ${err.trim().slice(-600)}`));
    });
  });
}

export const runJson = async (command, args, options) =>
  JSON.parse((await run(command, args, options)).trim().split('\n').at(-1));

// ---- what /proc tells ----

function statOf(path) {
  const text = readFileSync(path, 'utf8');
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')), parent: Number(rest[1]),
    seconds: (Number(rest[11]) + Number(rest[12])) / TICKS };
}

export const cpuOf = (pid) => statOf(`/proc/${pid}/stat`).seconds;

// CPU seconds of each thread so far: [{tid, name, seconds}].
export const threadsOf = (pid) => readdirSync(`/proc/${pid}/task`).map((tid) => {
  const { name, seconds } = statOf(`/proc/${pid}/task/${tid}/stat`);
  return { tid, name, seconds };
});

export const rssOf = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

export const childrenOf = (pid) => readdirSync('/proc').filter((d) => /^\d+$/.test(d)).flatMap((d) => {
  try {
    const { parent, name } = statOf(`/proc/${d}/stat`);
    return parent === pid ? [{ pid: Number(d), name }] : [];
  } catch {
    return []; // it ended while we looked
  }
});

// CPU between two looks at named pids: {name: seconds}, and the busy threads of each.
export class CpuWatch {
  constructor(pids) {
    this.pids = pids;
    this.before = Object.entries(pids).map(([name, pid]) => [name, cpuOf(pid), threadsOf(pid)]);
  }

  take() {
    const cpu = {};
    const threads = {};
    for (const [name, seconds, old] of this.before) {
      cpu[name] = cpuOf(this.pids[name]) - seconds;
      const was = new Map(old.map((t) => [t.tid, t.seconds]));
      threads[name] = threadsOf(this.pids[name])
        .map((t) => ({ name: t.name, seconds: t.seconds - (was.get(t.tid) ?? 0) }))
        .filter((t) => t.seconds >= 0.02)
        .sort((a, b) => b.seconds - a.seconds);
    }
    return { cpu, threads };
  }
}
