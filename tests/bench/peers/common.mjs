// common.mjs - what the peers share.
import IORedis from 'ioredis';

// BullMQ demands maxRetriesPerRequest null of its blocking connections.
export const connection = (socket) => new IORedis({ path: socket, maxRetriesPerRequest: null });

export const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

export const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
