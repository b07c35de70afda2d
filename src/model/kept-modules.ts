/**
 * Which matrices of layers a file of few bits leaves as they are, by the modules that it lists
 * (`modules_to_not_convert`, of compressed-tensors `ignore`).
 */
import type { Fields } from './fields.js';
import type { LayerSpec, ModelSpec } from './model.js';

/** Whether the projections of all layers' attention are listed, and all of their dense and shared MLPs. */
export interface KeptModules {
  attention: boolean;
  mlps: boolean;
}

/**
 * What is listed for some layers alone, or in part, counts as not listed; where all MLPs are routed experts there are
 * no others, which are as the attention then.
 */
export function keptModules(
  fields: Fields,
  { kinds, layers }: Pick<ModelSpec, 'kinds' | 'layers'>,
): KeptModules {
  const listed = fields['modules_to_not_convert'] ?? fields['ignore'];
  const names = Array.isArray(listed) ? listed.filter((name) => typeof name === 'string') : [];
  const entries = names.flatMap(piecesOf);
  const keeps = (modulesOf: (layer: LayerSpec) => string[][]) =>
    layers.every((kind, i) =>
      modulesOf(kinds[kind]).every((spellings) =>
        spellings.some((name) => entries.some((pieces) => covers(pieces, `.layers.${i}.${name}.`))),
      ),
    );
  const attention = keeps(attentionModules);
  const hasMlps = kinds.some((layer) => mlpModules(layer).length > 0);
  return { attention, mlps: hasMlps ? keeps(mlpModules) : attention };
}

/** The modules of a layer's attention, each in all of its spellings. */
function attentionModules({ attention: { kind } }: LayerSpec): string[][] {
  const own = (...names: string[]) => names.map((name) => `self_attn.${name}`);
  if (kind === 'gqa')
    return [...['q', 'k', 'v'].map((of) => own(`${of}_proj`, 'qkv_proj')), own('o_proj')];
  if (kind === 'latent') return [own('kv_a_proj_with_mqa'), own('kv_b_proj'), own('o_proj')];
  return [['linear_attn.in_proj_qkvz', 'linear_attn.in_proj_qkv'], ['linear_attn.out_proj']];
}

/** The modules of a layer's dense MLP, or of the expert that every token goes through. */
function mlpModules({ mlp }: LayerSpec): string[][] {
  if (mlp.kind === 'experts' && mlp.shared === undefined) return [];
  const shared = ['.shared_experts', '.shared_expert', '.shared_mlp'];
  const within = mlp.kind === 'experts' ? shared : [''];
  const blocks = ['mlp', 'feed_forward'].flatMap((block) => within.map((name) => block + name));
  return ['gate', 'up', 'down'].map((of) =>
    blocks.flatMap((block) => [
      `${block}.${of}_proj`,
      ...(of === 'down' ? [] : [`${block}.gate_up_proj`]),
    ]),
  );
}

/**
 * A listed name, from its layers on, cut at what may be anything: `*` and, in expressions (`re:`), `.*` and `\d+`;
 * of one alternative each. A name stands for all that is inside of its module. Encoders have layers of their own.
 */
function piecesOf(listed: string): string[][] {
  if (/vision|visual|audio/.test(listed)) return [];
  const plain = (listed.startsWith('re:') ? globOf(listed.slice(3)) : listed).replace(
    /\.weight$/,
    '',
  );
  const from = plain.indexOf('layers.');
  const [before, options = '', after = ''] = plain.slice(Math.max(from, 0)).split(/[()]/);
  return options.split('|').map((option) => `.${before}${option}${after}.`.split('*'));
}

function globOf(expression: string): string {
  return expression
    .replaceAll('.*', '*')
    .replaceAll('\\d+', '*')
    .replace(/^\^|\$$/g, '')
    .replaceAll('\\', '');
}

/** Whether the pieces are in a module's name one after another. */
function covers(pieces: readonly string[], name: string): boolean {
  let at = 0;
  return pieces.every((piece) => {
    const found = name.indexOf(piece, at);
    at = found + piece.length;
    return found >= 0;
  });
}
