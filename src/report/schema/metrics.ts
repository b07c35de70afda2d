/** What is measured of requests, as the room serving/ computes it. */
import * as z from 'zod';
import type { Distribution, Limits, ServingMetrics } from '../../serving/metrics.js';
import type { PolicyName } from '../../serving/policy.js';
import type { RooflineCheck } from '../../serving/roofline.js';
import type { RoundCounts, RoundPolicy } from '../../serving/rounds.js';
import type { Series } from '../../serving/series.js';
import type { TransportCost, TransportEffect } from '../../serving/transport-effect.js';
import type { Transport, TransportKind } from '../../serving/transport.js';
import { figure, schemaOf } from './parts.js';

export const distribution = schemaOf<Distribution>()(
  z.strictObject({ mean: figure, p50: figure, p90: figure, p99: figure }),
);

export const limits = schemaOf<Limits>()(
  z
    .partialRecord(z.enum(['ttftMs', 'tpotMs', 'e2elMs']), z.number())
    .describe('A limit that a request has to meet for goodput, in ms.'),
);

export const servingMetrics = schemaOf<ServingMetrics>()(
  z.strictObject({
    requests: z.strictObject({
      arrived: z.number(),
      completed: z.number(),
      rejected: z.number(),
      cancelled: z
        .number()
        .exactOptional()
        .describe('Given up by their clients; where none was it is left out.'),
      unfinished: z.number(),
    }),
    rejections: z
      .record(z.string(), z.number())
      .describe(
        'How many requests were rejected for each kind of reason (without what it needed).',
      ),
    durationSeconds: figure,
    promptTokens: z.number(),
    outputTokens: z.number(),
    ttftMs: distribution,
    tpotMs: distribution.describe(
      'Of completed requests with two tokens or more: one value per request.',
    ),
    itlMs: distribution,
    e2elMs: distribution,
    partsMs: z
      .strictObject({ queue: figure, transport: figure, prefill: figure, decode: figure })
      .describe('Mean parts of completed requests; they add up to the mean of `e2elMs`.'),
    requestThroughput: figure.describe(
      'Completed requests, and output tokens of all users together, per second.',
    ),
    outputThroughput: figure,
    totalTokenThroughput: figure,
    outputSpeed: z
      .strictObject({ p10: figure, p50: figure, p90: figure })
      .describe(
        'Tokens per second of one user: 1/TPOT of one request. Nine in ten are at least as fast as p10.',
      ),
    requestGoodput: figure.describe(
      'Completed requests per second that meet all limits; all of them if there is none.',
    ),
    limits,
  }),
);

export const series = schemaOf<Series>()(
  z.strictObject({
    intervalSeconds: z.number(),
    arrived: z.array(z.number()),
    inSystem: z
      .array(z.number())
      .describe('Requests between arrival and last token, on average over the interval.'),
    outputTokensPerSecond: z
      .array(z.number())
      .describe("A request's tokens spread evenly from its first to its last."),
    good: z
      .array(z.number())
      .exactOptional()
      .describe(
        'Requests that were completed within all limits, by the interval of their last token.',
      ),
  }),
);

export const transportCost = schemaOf<TransportCost>()(
  z.strictObject({
    perRoundTripMs: figure.describe(
      "Both directions and the server's work, without the model: mean over all requests.",
    ),
    perTokenMicros: figure,
    timeToFirstTokenMs: figure.describe('Median over all requests, queue and prefill included.'),
  }),
);

const needed = z.strictObject({
  'http.requestWorkMs': z.number().nullable(),
  roundTripMs: z.number().nullable().describe('Of both kinds.'),
});

export const transportEffect = schemaOf<TransportEffect>()(
  z.strictObject({
    http: transportCost,
    websocket: transportCost,
    saved: z
      .strictObject({ perRoundTrip: figure, perToken: figure, timeToFirstToken: figure })
      .describe('Shares saved, 0 to 1.'),
    published: z.strictObject({ perRoundTrip: figure, perToken: figure, timeToFirstToken: figure }),
    explainedBy: z
      .array(
        z.strictObject({
          parameter: z.string(),
          perRoundTrip: figure,
          perToken: figure,
          timeToFirstToken: figure,
        }),
      )
      .describe('Shares of the HTTP value that each parameter saves; they add up to `saved`.'),
    needed: z
      .strictObject({
        perRoundTrip: needed,
        perToken: z.strictObject({ 'websocket.tokenMicros': figure }),
        timeToFirstToken: needed,
      })
      .describe(
        'Values at which, one changed alone, just the published share is saved; null: at none.',
      ),
  }),
);

export const transportKind = schemaOf<TransportKind>()(z.enum(['http', 'websocket', 'none']));

export const transport = schemaOf<Transport>()(
  z.strictObject({
    kind: transportKind,
    roundTripMs: z.number(),
    tcpRoundTrips: z
      .number()
      .describe(
        'Round trips that opening a connection takes: TCP, TLS and, for a WebSocket, its upgrade.',
      ),
    tlsRoundTrips: z.number(),
    upgradeRoundTrips: z.number(),
    requestWorkMs: z
      .number()
      .describe(
        'Server work before the model sees a request: authentication, routing, validation.',
      ),
    promptTokenMicros: z
      .number()
      .describe('Server work per prompt token sent: reading and tokenizing it.'),
    tokenMicros: z
      .number()
      .describe(
        'Framing and delivery of one token; tokens of a connection are framed one after the other.',
      ),
    bytesPerToken: z
      .number()
      .describe("Bytes of text per token, and what the client's line carries."),
    uplinkMbps: z.number(),
    connection: z
      .enum(['request', 'session'])
      .describe('Whether a connection is opened for every request, or once per session and kept.'),
    sendsHistory: z
      .boolean()
      .describe(
        "Whether a turn sends the session's history again, or the state kept with the connection does.",
      ),
    keepsCache: z
      .boolean()
      .describe(
        "Whether a session's KV cache stays on the wafer between its turns, as long as there is room.",
      ),
  }),
);

export const rooflineCheck = schemaOf<RooflineCheck>()(
  z
    .strictObject({
      model: z.string(),
      gpus: z.number(),
      published: z.number().describe('Tokens per second of one user.'),
      predicted: z.number(),
      error: z.number().describe('predicted / published - 1.'),
      source: z.string(),
    })
    .describe(
      "The roofline against published decode rates of A100 servers. The A100 file's shares and times were chosen with these rates in sight, so the errors only say how well one set of them fits all.",
    ),
);

export const roundPolicy = schemaOf<RoundPolicy>()(
  z
    .enum(['fixed', 'by-load'])
    .describe(
      'Always as many tokens, or as many as give the users most tokens per second at the load.',
    ),
);

export const roundCounts = schemaOf<RoundCounts>()(
  z
    .strictObject({
      rounds: z.number(),
      drafted: z
        .number()
        .describe(
          'Tokens that were drafted, and of them those that were accepted, before the last round of an answer is cut.',
        ),
      accepted: z.number(),
      emitted: z.number().describe('Tokens that were emitted by rounds.'),
    })
    .describe('What rounds came to, of those that have ended.'),
);

export const policyName = schemaOf<PolicyName>()(z.enum(['fcfs', 'latency-first', 'batch-first']));
