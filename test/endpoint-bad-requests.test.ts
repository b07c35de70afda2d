/** Whatever reaches the endpoint, it goes on, and holds nothing of what is over. */
import { expect, it } from 'vitest';
import { sendBadRequest } from './helpers/bad-requests.js';
import { MODEL, startEndpoint } from './helpers/endpoint.js';
import { cases, count } from './helpers/full.js';

it('survives generated bad requests, and leaks none', async () => {
  const running = await startEndpoint({ maxWaiting: 100 });
  const all = count(400, 10_000);
  let next = 0;
  const statuses = new Set<number | undefined>();
  const sender = async () => {
    while (next < all) statuses.add(await sendBadRequest(running.endpoint.port, next++));
  };
  await Promise.all(Array.from({ length: 20 }, sender));
  // They get far enough to matter: some are right after all, and the others are wrong in many ways.
  expect([...statuses]).toEqual(
    expect.arrayContaining(cases([101, 200, 400, 404], [405, 413, 415, 431])),
  );
  expect(running.faults).toEqual([]);
  await expect.poll(() => running.endpoint.connections(), { timeout: 15_000 }).toBe(0);
  expect(running.service.open()).toBe(0);
  expect(running.driver.status()).toMatchObject({
    ...{ running: 0, waiting: 0, kvUsed: 0 },
    ...{ kvKept: 0, keptSessions: 0 },
  });
  const { choices } = await running.client.chat.completions.create({
    model: MODEL,
    messages: [{ role: 'user', content: 'still there?' }],
  });
  expect(choices[0].finish_reason).toBe('stop');
  await running.close();
}, 300_000);
