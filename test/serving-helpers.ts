/** Servers with simple step times, a transport that costs nothing, and requests. */
import { POLICIES, type PolicyName } from '../src/serving/policy.js';
import type { Request } from '../src/serving/request.js';
import { serve, type ServeOptions } from '../src/serving/server.js';
import type { StepTime } from '../src/serving/step-time.js';
import type { Transport } from '../src/serving/transport.js';

export const FREE: Transport = {
  kind: 'http',
  roundTripMs: 0,
  tcpRoundTrips: 0,
  tlsRoundTrips: 0,
  upgradeRoundTrips: 0,
  requestWorkMs: 0,
  promptTokenMicros: 0,
  tokenMicros: 0,
  bytesPerToken: 4,
  uplinkMbps: 1e12,
  connection: 'request',
  sendsHistory: true,
  keepsCache: false,
};

/** A pipeline of `slots` equal stages of `intervalNs`, whatever the contexts. */
export function pipeline(slots: number, intervalNs: number): StepTime {
  return (batch) => intervalNs * Math.max(batch, slots);
}

export function options(
  stepTime: StepTime,
  policy: PolicyName = 'fcfs',
  more: Partial<ServeOptions> = {},
): ServeOptions {
  return {
    policy: POLICIES[policy]({ maxUsers: 10_000, promptTokens: 256, floor: 1000 }),
    stepTime,
    kvTokens: 1e9,
    maxContext: 131_072,
    transport: FREE,
    ...more,
  };
}

export function request(id: number, arrivalNs: number, prompt: number, output: number): Request {
  return { id, arrivalNs, promptTokens: prompt, outputTokens: output };
}

export { serve };
