/**
 * What the playground shows: a configuration with settings over it, or a kernel; and the same as the end of its
 * address and as a command. The address holds the whole configuration, so that it means the same when presets change.
 */

export interface State {
  shows: 'model' | 'kernel';
  /** Name of the preset that the configuration was begun from: a file of configs/. */
  preset: string;
  /** The configuration as YAML. */
  config: string;
  /** Settings over it, by path: `hardware.clock` -> `1.1 GHz`. */
  sets: Readonly<Record<string, string>>;
  /** A kernel and its options, as they follow `wafersim kernel`. */
  kernel: string;
  /** Settings over the kernel's hardware. */
  kernelSets: Readonly<Record<string, string>>;
}

/** YAML by the names of presets. */
export type Presets = Readonly<Record<string, string>>;

export const FIRST_KERNEL = 'reduce --algorithm chain --pes 16 --words 8 --dtype f32';

/** A preset, untouched. */
export function beginWith(preset: string, presets: Presets): State {
  return {
    shows: 'model',
    preset,
    config: withoutComments(presets[preset]),
    sets: {},
    kernel: FIRST_KERNEL,
    kernelSets: {},
  };
}

/** The path of the configuration's file, as the command has it and as other paths in it are relative to. */
export function pathOf({ preset }: Pick<State, 'preset'>): string {
  return `configs/${preset}.yaml`;
}

/** What stands after `#` of the page's address. */
export function hashOf(state: State): string {
  const { preset, config, sets, kernel, kernelSets } = state;
  const all: [string, string][] =
    state.shows === 'model'
      ? [['preset', preset], ['config', config], ...setsAs('set', sets)]
      : [['kernel', kernel], ...setsAs('set', kernelSets)];
  return new URLSearchParams(all).toString();
}

function setsAs(name: string, sets: State['sets']): [string, string][] {
  return Object.entries(sets).map(([path, value]) => [name, `${path}=${value}`]);
}

/**
 * The state of an address.
 * @param hash with or without its `#`; what it does not say is the first preset's
 */
export function stateOf(hash: string, presets: Presets): State {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const asked = said.get('preset') ?? '';
  const preset = Object.hasOwn(presets, asked) ? asked : Object.keys(presets)[0];
  const begun = beginWith(preset, presets);
  const sets = Object.fromEntries(said.getAll('set').map(setting));
  const kernel = said.get('kernel');
  if (kernel !== null) return { ...begun, shows: 'kernel', kernel, kernelSets: sets };
  return { ...begun, config: said.get('config') ?? begun.config, sets };
}

function setting(text: string): [path: string, value: string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Settings as `--set` takes them. */
export function settingsOf(sets: State['sets']): string[] {
  return Object.entries(sets).map(([path, value]) => `${path}=${value}`);
}

/** What gives the same in a shell, in the folder of the project. */
export function commandOf(state: State, presets: Presets): string {
  if (state.shows === 'kernel')
    return ['wafersim kernel', state.kernel.trim(), ...setOptions(state.kernelSets)].join(' ');
  const { config, preset, sets } = state;
  const isPreset = config === withoutComments(presets[preset]);
  // Paths in it are relative to configs/.
  const file = isPreset ? pathOf(state) : 'configs/playground.yaml';
  const run = ['wafersim run', file, ...setOptions(sets)].join(' ');
  return isPreset ? run : `cat > ${file} <<'END'\n${config.trimEnd()}\nEND\n${run}`;
}

function setOptions(sets: State['sets']): string[] {
  return settingsOf(sets).map((text) => `--set ${quoted(text)}`);
}

/** As one word of a shell. */
function quoted(text: string): string {
  return /^[\w.,=/:+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** What a preset says of itself, in the comments that it begins with. */
export function aboutOf(yaml: string): string {
  const [head] = /^(?:#.*\n)*/.exec(yaml)!;
  const lines = head.split('\n').map((line) => line.replace(/^# ?/, ''));
  return lines
    .filter((line) => !line.startsWith('yaml-language-server:'))
    .join(' ')
    .trim();
}

/** YAML without the lines that say nothing to a machine. */
export function withoutComments(yaml: string): string {
  return yaml.replaceAll(/^#.*\n/gm, '');
}
