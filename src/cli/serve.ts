/** `wafersim serve`: an OpenAI-compatible endpoint at the simulated wafer's pace. */
import { Option, type Command } from 'commander';
import { host, serve, type ServeDocument } from '../index.js';
import { count } from '../report/format.js';
import { stepsOf } from './cache.js';
import { untilStopped } from './command-thread.js';
import { prefixed } from './errors.js';
import { addSimulationOptions, numberThat, setOption, type SimulationOptions } from './options.js';
import { json } from '../report/json.js';
import { formatOf } from './formats.js';
import { note, print } from './output.js';
import { progressNotes } from './progress.js';
import { simulating } from './simulating.js';

interface ServeCommandOptions extends SimulationOptions {
  host: string;
  port: number;
  speed: number;
  text: string;
  transport: 'none' | 'http' | 'websocket';
  record?: string;
  apiKey?: string;
  servedModelName?: string;
  maxModelLen?: number;
  maxWaiting: number;
  streamInterval: 'auto' | number;
  seed: string;
  set?: string[];
}

const EXAMPLES = `
Examples:
  wafersim serve configs/wse3.yaml
  wafersim serve configs/wse3.yaml --speed 0.1 --transport http --port 0
  wafersim serve configs/wse3.yaml --text script:answers.jsonl --record runs/today
  wafersim run runs/today/run.yaml            gives the times of the same requests again
  wafersim serve examples/deployments/run.yaml  several models, each asked for by its name

With the server at its default address:
  curl http://127.0.0.1:8000/v1/models
  curl http://127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"messages": [{"role": "user", "content": "Hello"}], "stream": true}'
  OPENAI_BASE_URL=http://127.0.0.1:8000/v1 OPENAI_API_KEY=none my-agent
  vllm bench serve --backend openai-chat --base-url http://127.0.0.1:8000 \\
    --endpoint /v1/chat/completions --model NAME

A line of a script: {"match": "weather", "role": "user", "tool_calls": [{"name": "weather", "arguments": {}}]}
or {"match": "rain", "text": "Take an umbrella."}; the first line that fits the last message answers.
See docs/endpoint.md.`;

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description("serve a model at an OpenAI-compatible endpoint, at the simulated wafer's pace")
    .argument('<config>', 'configuration file (YAML)')
    .optionsGroup('The endpoint:')
    .option(
      '--host <address>',
      'address to listen at; others than this host reach 0.0.0.0',
      '127.0.0.1',
    )
    .option('--port <n>', 'port to listen at; 0: any that is free', port, 8000)
    .option('--api-key <key>', 'what clients have to send as their key (default: none)')
    .option(
      '--served-model-name <name>',
      "the model's name in requests (default: its own; deployments have theirs)",
    )
    .addOption(
      new Option('--stream-interval <n>', 'tokens in an event: all that are due, or so many')
        .argParser(interval)
        .default('auto'),
    )
    .option('--record <directory>', 'write what was served as a trace that `run` gives again')
    .optionsGroup('What is served:')
    .option('--speed <x>', 'simulated seconds in a second, e.g. 0.1 to watch', speed, 1)
    .option('--text <source>', 'words of answers: lorem, echo, script:FILE or model', 'lorem')
    .addOption(
      new Option('--transport <kind>', 'network and request work that the times include')
        .choices(['none', 'http', 'websocket'])
        .default('none'),
    )
    .option(
      '--max-model-len <n>',
      "tokens of a prompt and its answer (default: the model's positions that fit the wafer)",
      tokens,
    )
    .option('--max-waiting <n>', 'requests that may wait; one more gets a 429', waiting, 1024)
    .option('--seed <text>', 'of the words that are made up', '1')
    .addOption(setOption('serving.maxUsers=64'));
  addSimulationOptions(command, {
    threads: 'step times',
    keeps: true,
    // It goes on: there is no result to print.
    formats: ['table', 'json'],
  })
    .addHelpText('after', EXAMPLES)
    .action(run);
}

async function run(path: string, options: ServeCommandOptions): Promise<void> {
  const { set: sets = [], ...asked } = options;
  const said = new Set<string>();
  const once = (line: string) => {
    if (said.has(line) || said.size > 100) return;
    said.add(line);
    note(prefixed(line));
  };
  const serving = await simulating(options, (within) =>
    serve(
      { path, sets },
      {
        ...asked,
        unixSeconds: () => Math.floor(host.date()),
        onNote: once,
        onFault: (error) =>
          once(`internal error: ${error instanceof Error ? error.message : String(error)}`),
      },
      { ...within, ...progressNotes(within), steps: stepsOf(options) },
    ),
  );
  for (const line of serving.notes) once(line);
  note(readyLine(serving.document));
  if (formatOf(options) === 'json') print(json(serving.document));
  const says = await untilStopped();
  const finished = await serving.close();
  note(prefixed(`${says}; ${requestsOf(finished)}`));
}

function readyLine(document: ServeDocument) {
  const { model, url, maxModelLen, aloneTokensPerSecond, models, ...how } = document;
  const own = [
    `${count(Math.round(aloneTokensPerSecond[0]))} tokens/s for one user`,
    `contexts up to ${count(maxModelLen)} tokens`,
  ];
  const each = models?.map(
    (one) => `${one.model} ${count(Math.round(one.aloneTokensPerSecond[0]))} tokens/s for one user`,
  );
  const parts = [
    ...(each ?? own),
    `text ${how.text}`,
    `transport ${how.transport}`,
    ...(how.speed === 1 ? [] : [`speed ${how.speed}`]),
  ];
  const names = models?.map((one) => one.model).join(', ') ?? model;
  return prefixed(`serving ${names} at ${url} (${parts.join(', ')})`);
}

function requestsOf(finished: Record<string, number>): string {
  const { abort = 0, error = 0, ...complete } = finished;
  const completed = Object.values(complete).reduce((sum, one) => sum + one, 0);
  return `${count(completed)} requests completed, ${count(abort)} given up, ${count(error)} rejected`;
}

const isWhole = (value: number, least: number, most: number) =>
  Number.isInteger(value) && value >= least && value <= most;
const port = numberThat((value) => isWhole(value, 0, 65_535), 'a port from 0 to 65535');
const speed = numberThat((value) => value >= 1e-6 && value <= 1e6, 'a number above 0');
const tokens = numberThat(
  (value) => isWhole(value, 2, 1e9),
  'a whole number of tokens, at least 2',
);
const waiting = numberThat((value) => isWhole(value, 1, 1e6), 'a whole number, at least 1');
const perEvent = numberThat((value) => isWhole(value, 1, 1e6), 'auto or a whole number');

/** @throws InvalidArgumentError */
function interval(text: string): 'auto' | number {
  return text === 'auto' ? text : perEvent(text);
}
