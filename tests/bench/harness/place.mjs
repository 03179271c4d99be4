// place.mjs - where everything is: the project, the release build, and the bench's own folder, which
// is emptied for every plant. All sockets lie in a short folder under the system's temporary one.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const source = resolve(import.meta.dirname, '../../..');
export const programs = join(source, 'build/release/bin');
export const benches = join(source, 'build/release/bench');
export const peers = join(source, 'build/bench/peers');
export const logs = join(source, 'build/bench/logs');
mkdirSync(logs, { recursive: true });

// On the disk of the build folder, where a durable write costs what it costs; socket paths must be
// short (108 bytes, unix(7)), so there is a fallback.
const home = join(source, 'build/bench/run');
const base = home.length > 60 ? join(tmpdir(), 'dunlin-bench') : home;
mkdirSync(base, { recursive: true });

export const newFolder = (name) => mkdtempSync(join(base, `${name}-`));
export const dropFolder = (path) => rmSync(path, { recursive: true, force: true });
