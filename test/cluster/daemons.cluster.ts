import { expect, it } from 'vitest';
import { startRedis } from './redis.js';
import { startSlurm } from './slurm.js';

it('starts', async () => {
  const [slurm, redis] = await Promise.all([startSlurm(), startRedis()]);
  console.log(slurm.ask('sinfo'), redis.url);
  await Promise.all([slurm.stop(), redis.stop()]);
  expect(1).toBe(1);
});
