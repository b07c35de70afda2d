/**
 * Speculative decoding as a configuration asks for it: the draft's model read like the run's own, the acceptance
 * as one chance per drafted token, and what the two models cannot do together refused.
 */
import type * as z from 'zod';
import { sha256Of } from './json.js';
import { ConfigError } from './errors.js';
import { configIn, weightFiles, withModelConfig, type WeightFiles } from './checkpoint-files.js';
import { referenceOf, type ReadFile } from './files.js';
import { readModel } from './model-file.js';
import type { speculation } from './speculation-schema.js';
import { child, originAt, withKey } from './tree.js';
import type { Node } from './yaml.js';
import { nameOf } from '../model/formats.js';
import type { ModelSpec } from '../model/model.js';

/** As `workload.speculation` is written. */
export type WrittenSpeculation = z.output<typeof speculation>;

/** Several tokens of a user in a round: one that is certain, and others that are guessed. */
export interface Speculation {
  /** Tokens that a round verifies: one certain, the others drafted. */
  tokens: number;
  /** For each drafted token the chance that it is right, given that those before it are; or what both models compute. */
  acceptance: 'measured' | readonly number[];
  draft: Draft;
}

export type Draft =
  /** Another model; `wafers` of its own, or the model's where both fit. */
  | { kind: 'model'; model: ModelSpec; modelFile: string; weights?: WeightFiles; wafers?: number }
  /** The model's own layer for the token after the next, or one of its last layer's shape. */
  | { kind: 'mtp'; assumed: boolean }
  /** The host looks up where the last `n` tokens came before. */
  | { kind: 'ngram'; n: number };

const PATH = ['workload', 'speculation'] as const;
/** What trees of drafts are called; one chain is drafted here. */
const TREES = ['tree', 'trees', 'branches', 'branching', 'width', 'topk'];

/** Refuses trees of drafts by name, before they would be unknown keys. @throws ConfigError */
export function refuseTrees(tree: Node): void {
  const asked = child(child(tree, PATH[0]), PATH[1]);
  const draft = child(asked, 'draft');
  const found = [asked, draft].flatMap((node) => TREES.flatMap((key) => child(node, key) ?? []));
  const list = Array.isArray(draft?.value) ? draft : undefined;
  const [node] = list === undefined ? found : [list];
  if (node === undefined) return;
  throw new ConfigError(
    `${(node.key ?? node.origin).label}: ${PATH.join('.')}: expected one chain of drafted tokens, as trees of drafts are not modelled, found one`,
  );
}

/** What of it is read, what documents have of it, and what it is by content. */
export interface ReadSpeculation {
  resolved: Speculation;
  /** Plain JSON that runs again as it is. */
  written: object;
  canonical: object;
}

/**
 * Reads the draft and checks it against the model.
 * @param asked as it is written; none without
 * @param model whose tokens are verified, and whether its weights are read
 * @param files where the draft's files are noted
 * @throws ConfigError one line with the place of what cannot be
 */
export function readSpeculation(
  asked: WrittenSpeculation | undefined,
  tree: Node,
  mainFile: string,
  { model, weights, kind }: { model: ModelSpec; weights: boolean; kind?: string | undefined },
  files: ReadFile[],
): ReadSpeculation | undefined {
  if (asked === undefined) return undefined;
  const refuse = refuser(tree);
  const { draft, checkpoint } = draftOf(asked.draft, tree, mainFile, model, files);
  const { tokens, acceptance = [] } = asked;
  if (draft.kind === 'model' && draft.model.vocab !== model.vocab)
    refuse(
      ['draft', 'config'],
      `a draft of the same ${model.vocab} tokens as ${model.name}`,
      `${draft.model.name} of ${draft.model.vocab}`,
    );
  if (acceptance === 'measured') {
    if (kind === 'serving') refuse(['acceptance'], 'chances where requests are served', 'measured');
    if (!weights) refuse(['acceptance'], 'chances without model.weights', 'measured');
    const needs = 'chances without weights of the draft';
    if (draft.kind === 'model' && !draft.weights) refuse(['acceptance'], needs, 'measured');
    if (draft.kind === 'mtp' && draft.assumed)
      refuse(['acceptance'], 'chances with mtp: assumed, which has no weights', 'measured');
  }
  if (draft.kind === 'model' && draft.weights && !weights)
    refuse(['draft', 'weights'], 'none without model.weights', draft.weights.path);
  const chances =
    typeof acceptance === 'number' ? Array<number>(tokens - 1).fill(acceptance) : acceptance;
  const resolved: Speculation = { tokens, acceptance: chances, draft };
  const written = { ...asked, draft: writtenDraft(asked.draft, draft) };
  return { resolved, written, canonical: canonicalOf(resolved, checkpoint) };
}

function draftOf(
  { mtp, ngram, config: _, weights: __, spec, wafers, ...options }: WrittenSpeculation['draft'],
  tree: Node,
  mainFile: string,
  target: ModelSpec,
  files: ReadFile[],
): { draft: Draft; checkpoint: readonly (string | null)[] } {
  const refuse = refuser(tree);
  if (ngram !== undefined) return { draft: { kind: 'ngram', n: ngram }, checkpoint: [] };
  if (mtp === true && target.mtp === undefined)
    refuse(['draft', 'mtp'], `assumed, as ${target.name} has no layer for it`, true);
  if (mtp !== undefined)
    return { draft: { kind: 'mtp', assumed: mtp === 'assumed' }, checkpoint: [] };
  // The draft's keys are those of `model`, and are read as if they stood there.
  const own = child(child(child(tree, PATH[0]), PATH[1]), 'draft')!;
  const as = withModelConfig(withKey(tree, 'model', own));
  const isOfWeights = child(own, 'config') === undefined;
  const named = child(child(as, 'model'), 'config')!;
  const name = `${PATH.join('.')}.draft`;
  const reference = configIn(
    isOfWeights
      ? referenceOf(named, `${name}.weights`, mainFile)
      : referenceOf(named, name, mainFile, 'model'),
  );
  // Activations are those of the model, unless the draft says otherwise.
  const { model, block } = readModel(reference, { dtype: target.dtype, ...options }, as, files);
  const begun = files.length;
  const weights = weightFiles(as, mainFile, model, block, files);
  const { published: ___, ...plainModel } = model;
  if (spec !== undefined && sha256Of(spec) !== sha256Of(plainModel))
    refuse(
      ['draft', 'spec'],
      'what draft.config and the other settings say',
      'a model that differs',
    );
  return {
    draft: {
      kind: 'model',
      model,
      modelFile: reference.path,
      ...(weights && { weights }),
      ...(wafers !== undefined && { wafers }),
    },
    checkpoint: files.slice(begun).map(({ sha256 }) => sha256),
  };
}

/** The draft with what its file says, as `model` of a document has it. */
function writtenDraft(asked: WrittenSpeculation['draft'], draft: Draft): object {
  if (draft.kind !== 'model') return asked;
  const { weightBits: _, bits: __, ...rest } = asked;
  const { published: ___, ...spec } = draft.model;
  return { ...rest, dtype: spec.dtype, ...storedAs(spec), spec: { ...spec } };
}

/** How matrices are stored, as a configuration says it. */
export function storedAs({ weightBits, formats }: ModelSpec) {
  if (formats === undefined) return { weightBits };
  const { experts, attention, rest, tables } = formats;
  const bits = {
    experts: nameOf(experts),
    ...(attention && { attention: nameOf(attention) }),
    ...{ rest: nameOf(rest), tables: nameOf(tables) },
  };
  return { weightBits, bits };
}

/** The same, however it is spelt: models without names, files by content. */
function canonicalOf(
  { tokens, acceptance, draft }: Speculation,
  checkpoint: readonly (string | null)[],
): object {
  if (draft.kind !== 'model') return { tokens, acceptance, draft };
  const { name: _, published: __, ...model } = draft.model;
  const { kind, wafers = null } = draft;
  return { tokens, acceptance, draft: { kind, model, wafers, checkpoint } };
}

/** Refuses a key of `workload.speculation`, at its place. */
function refuser(tree: Node) {
  return (keys: readonly string[], expected: string, found: unknown): never => {
    const path = [...PATH, ...keys];
    const { label } = originAt(tree, path);
    throw new ConfigError(
      `${label}: ${path.join('.')}: expected ${expected}, found ${String(found)}`,
    );
  };
}
