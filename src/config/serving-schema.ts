/** The keys of a configuration that describe serving: arrivals, scheduling, transport, scenarios. */
import * as z from 'zod';
import { section } from './hardware-file.js';
import { amount, choice, count, expected, flag, text } from './errors.js';

const path = (what: string) => z.string(expected(`the path of ${what}`));

const length = section('a mapping with mean and cv', {
  mean: amount(1, 1e8).describe('Mean number of tokens'),
  cv: amount(0, 10)
    .default(0)
    .describe('Coefficient of variation of a log-normal; 0: always the mean'),
});

const PROMPT = 'token ids such as [1, 15], or a text';

const column = (what: string) => text('the name of a column').exactOptional().describe(what);

const traceFile = path('a trace').describe(
  'CSV with a header (columns of Azure: TIMESTAMP, ContextTokens, GeneratedTokens) or JSON lines ' +
    '(keys of Mooncake: timestamp in ms, input_length, output_length)',
);

/** A trace of another maker: which of its columns, or keys of its JSON lines, hold what. */
const mappedTrace = section('a mapping', {
  file: traceFile,
  arrival: column('When a request arrives; TIMESTAMP of CSV, timestamp of JSON lines unless given'),
  input: column('Tokens of its prompt; ContextTokens, or input_length unless given'),
  output: column('Tokens of its answer; GeneratedTokens, or output_length unless given'),
  model: column('Which of deployments a request is for, by its name; by their shares unless given'),
  unit: choice('iso', 's', 'ms', 'us', 'ns')
    .exactOptional()
    .describe(
      'What arrival counts, from any beginning: seconds (s), ms, us, ns, or iso for dates such as ' +
        '2023-11-16T18:15:46.68Z; iso of CSV, ms of JSON lines unless given',
    ),
});

/** What `workload` may hold in addition to the keys of a decode run. */
export const servingWorkload = {
  kind: choice('decode', 'serving')
    .exactOptional()
    .describe('Decode steps alone (the default), or requests that are served'),
  trace: z
    .union([traceFile, mappedTrace], expected('the path of a trace or a mapping with file'))
    .exactOptional()
    .describe('Requests as they were recorded: a file, or a mapping that also names its columns'),
  skipInvalid: flag()
    .exactOptional()
    .describe('Leave out rows of the trace that cannot be used, and count them'),
  requests: count(1, 1e6).exactOptional().describe('How many, of the trace or synthetic'),
  arrivals: section('a mapping', {
    process: choice('poisson', 'gamma', 'fixed', 'closed')
      .default('poisson')
      .describe('Open arrivals, or a closed loop of users'),
    rate: amount(1e-6, 1e6).default(1).describe('Requests per second (open)'),
    burstiness: amount(1e-3, 1e3).default(1).describe('Shape of the gaps (gamma); 1 is Poisson'),
    users: count(1).default(1).describe('Users (closed)'),
    thinkSeconds: amount(0, 1e6).default(0).describe('From an answer to the next request (closed)'),
  }).exactOptional(),
  prompt: z
    .union(
      [length, z.array(count(0, 2 ** 24)).min(1, expected(PROMPT)), text(PROMPT)],
      expected(PROMPT),
    )
    .exactOptional()
    .describe(
      'Token ids, or a text for the tokenizer.json in the folder of the model: what comes first, into an ' +
        'empty cache. With kind serving: tokens of a synthetic prompt',
    ),
  output: length.exactOptional().describe('Tokens of a synthetic answer'),
  sessions: section('a mapping', {
    rate: amount(1e-6, 1e6).describe('New agent sessions per second'),
    turns: count(1, 1e5).describe('Turns of a session'),
    firstPrompt: length.describe('Context of the first turn'),
    turnPrompt: length.describe('What each further turn adds to the answer before it'),
    output: length.describe('Tokens of an answer'),
    toolSeconds: amount(0, 1e6).describe('Mean time between turns, exponential'),
  }).exactOptional(),
  horizonSeconds: amount(0.001, 1e7)
    .exactOptional()
    .describe('What has not ended stays unfinished'),
};

export const serving = section('a mapping', {
  policy: choice('fcfs', 'latency-first', 'batch-first').default('fcfs').describe('Scheduling'),
  maxUsers: count(1).default(256).describe('Users that decode at once'),
  maxWaiting: count(1)
    .exactOptional()
    .describe('Requests that may wait; one more is turned away. Any number unless given'),
  promptTokens: count(1).default(256).describe('Prompt tokens between two tokens of a user (fcfs)'),
  speculation: choice('fixed', 'by-load')
    .exactOptional()
    .describe(
      'With workload.speculation: its tokens in every round, or (by-load, unless given) as many of them as give the users most tokens/s at the load',
    ),
  floor: amount(0.001, 1e6).default(1000).describe('Tokens/s per user that latency-first keeps'),
  limits: section('a mapping', {
    ttftMs: amount(0.001, 1e9).exactOptional(),
    tpotMs: amount(0.001, 1e9).exactOptional(),
    e2elMs: amount(0.001, 1e9).exactOptional(),
  })
    .prefault({})
    .describe('What a request has to meet for goodput'),
  minContext: count(1).default(16).describe('Shortest context that is simulated'),
  maxContext: count(2)
    .exactOptional()
    .describe('Longest context of a user, simulated; what needs more is refused'),
  tolerance: amount(1e-4, 0.5)
    .default(0.005)
    .describe('Contexts are simulated until their middles are interpolated this well'),
  plan: section('a mapping with megawatts', {
    megawatts: amount(1e-6, 1e6).describe('Power of the site'),
    pue: amount(1, 100).default(1.2).describe('Power of the site over that of its systems'),
  })
    .exactOptional()
    .describe(
      'Also say how many users a group of wafers serves at the floor, and what such a site serves, by context',
    ),
  gpus: z
    .array(path('a GPU file'), expected('a list of files'))
    .exactOptional()
    .describe(
      'GPUs to compare with the wafer, by roofline: files, or names of bundled ones such as h100',
    ),
});

/** What is not given has the preset of its kind (serving/transport-presets.ts). */
export const transport = section('a mapping', {
  kind: choice('http', 'websocket', 'none')
    .default('http')
    .describe('HTTPS per request, one WebSocket, or no network at all (its numbers do not count)'),
  roundTripMs: amount(0, 1e5).exactOptional(),
  tcpRoundTrips: amount(0, 10).exactOptional(),
  tlsRoundTrips: amount(0, 10).exactOptional(),
  upgradeRoundTrips: amount(0, 10).exactOptional(),
  requestWorkMs: amount(0, 1e5).exactOptional(),
  promptTokenMicros: amount(0, 1e5).exactOptional(),
  tokenMicros: amount(0, 1e6).exactOptional(),
  bytesPerToken: amount(0, 1e4).exactOptional(),
  uplinkMbps: amount(0.001, 1e6).exactOptional(),
  connection: choice('request', 'session').exactOptional(),
  sendsHistory: flag().exactOptional(),
  keepsCache: flag().exactOptional(),
  compare: flag()
    .default(false)
    .describe('Serve the requests over both kinds and say what each parameter explains'),
});

/** Variants of one configuration: what each sets differently, by path. */
export const scenarios = z.array(
  section('a mapping with name and set', {
    name: text('a name'),
    set: z.record(
      z.string(),
      z.union([z.string(), z.number(), z.boolean()], expected('a text, a number, true or false')),
    ),
  }),
  expected('a list of scenarios'),
);
