/** A Redis of a test's own. Debian: redis-server. */
import { connect } from 'node:net';
import { Daemons, freePorts, isInstalled } from './daemons.js';

export const HAS_REDIS = isInstalled('redis-server');

export interface Redis {
  url: string;
  stop: () => Promise<void>;
}

/** @param password which is not part of the URL */
export async function startRedis(password = ''): Promise<Redis> {
  const daemons = new Daemons('redis');
  const [port] = await freePorts(1);
  const options = {
    bind: '127.0.0.1',
    port,
    save: '',
    'maxmemory-policy': 'noeviction',
    requirepass: password,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  try {
    daemons.start('redis', 'redis-server', [...args, '--dir', daemons.folder]);
    await daemons.ready('redis', () => answers(port));
  } catch (error) {
    await daemons.stop();
    throw error;
  }
  return { url: `redis://127.0.0.1:${port}`, stop: () => daemons.stop() };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('error', () => end(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => end(/^(?:\+PONG|-NOAUTH)/.test(data.toString())));
  });
}
