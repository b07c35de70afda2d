/** The trees of a region's lines: groups and form, by simulated cycles. */
import { describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../src/config.js';
import { groupCounts, fastestTree, groupChooser } from '../src/decode/groups.js';
import { leastCycles, type Tree } from '../src/decode/least-cycles.js';
import { fast } from '../src/engine/fast/fast.js';
import type { RunInput } from '../src/engine/engine.js';
import { treeAllReduce } from '../src/kernels/all-reduce.js';
import { TREE_FORMS, type TreeForm } from '../src/kernels/line.js';
import type { Vector } from '../src/mapping/mapping.js';

const { wafer } = loadHardware('configs/hardware/wse3.yaml', []);
const one: Vector = { words: 1, type: 'f32' };

const VECTORS: Vector[] = [
  one,
  { words: 5, type: 'f16' },
  { words: 9, type: 'f32' },
  { words: 40, type: 'f16' },
  { words: 200, type: 'f16' },
];

function cyclesOf(length: number, tree: Tree, { words, type: dtype }: Vector, of = wafer): number {
  const line = { ...of, width: length, height: 1 };
  const program = treeAllReduce({ pes: length, ...tree, words, dtype }, line);
  return fast({ program, wafer: line }).cycles;
}

/** The first of all trees with the fewest cycles. */
function fastest(length: number, vectors: Vector[], forms: readonly TreeForm[]): Tree {
  const trees = groupCounts(length).flatMap((groups) => forms.map((form) => ({ groups, form })));
  const sum = (tree: Tree) => vectors.reduce((all, of) => all + cyclesOf(length, tree, of), 0);
  return trees.reduce((a, b) => (sum(b) < sum(a) ? b : a));
}

const choose = (length: number, vectors: Vector[], forms: readonly TreeForm[] = TREE_FORMS) =>
  fastestTree({ length, vectors, counts: groupCounts(length), forms }, wafer, { run: fast });

describe('the tree of a line', () => {
  it('is echoed where one word goes far, and stored or streamed on a few cores', async () => {
    expect(await choose(64, [one])).toEqual({ groups: 8, form: 'echoed' });
    expect(cyclesOf(64, { groups: 8, form: 'echoed' }, one)).toBe(263);
    expect(cyclesOf(64, { groups: 8, form: 'streamed' }, one)).toBe(285);
    expect(cyclesOf(64, { groups: 7, form: 'stored' }, one)).toBe(312);
    expect((await choose(5, [one])).form).not.toBe('echoed');
  });

  it.each([
    [2, [one]],
    [7, [{ words: 9, type: 'f16' }]],
    [13, [one, { words: 40, type: 'f16' }]],
    [22, [{ words: 4, type: 'f32' }]],
    [40, [one, one, { words: 12, type: 'f16' }]],
  ] as [number, Vector[]][])('of %i cores is the fastest of all', async (length, vectors) => {
    expect(await choose(length, vectors)).toEqual(fastest(length, vectors, TREE_FORMS));
  });

  it.each([
    ['as published', [], 1, 39],
    ['with ramps of one cycle', ['hardware.fabric.rampCycles=1'], 1, 41],
    ['with links of three', ['hardware.fabric.hopCycles=3'], 1, Infinity],
    ['with shallow queues', ['hardware.fabric.queueDepth=2'], 1, Infinity],
  ])('takes hardly more than the fewest cycles that it can, %s', (_, sets, least, most) => {
    const { wafer: of } = loadHardware('configs/hardware/wse3.yaml', sets);
    let [fewest, furthest] = [Infinity, 0];
    for (const length of [2, 3, 6, 11, 24])
      for (const vector of VECTORS)
        for (let groups = 1; groups <= length; groups++)
          for (const form of TREE_FORMS) {
            const tree = { groups, form };
            const beyond =
              cyclesOf(length, tree, vector, of) - leastCycles(length, tree, vector, of);
            fewest = Math.min(fewest, beyond);
            furthest = Math.max(furthest, beyond);
          }
    expect(fewest).toBe(least);
    expect(furthest).toBeLessThanOrEqual(most);
  });

  it('is found without simulating what cannot win', async () => {
    let programs = 0;
    const run = (input: RunInput) => (programs++, fast(input));
    const counts = groupCounts(64);
    const tree = await fastestTree(
      { length: 64, vectors: [one], counts, forms: TREE_FORMS },
      wafer,
      { run },
    );
    expect(tree).toEqual({ groups: 8, form: 'echoed' });
    expect(programs).toBe(1);
  });

  it('may store at every middle on a few cores', async () => {
    const half: Vector = { words: 1, type: 'f16' };
    const { form, groups } = await choose(5, [half]);
    expect({ form, groups }).toEqual({ form: 'stored', groups: 3 });
    expect(cyclesOf(5, { groups, form }, half)).toBe(87);
    expect(cyclesOf(5, fastest(5, [half], ['streamed']), half)).toBe(94);
  });
});

describe('a region', () => {
  const config = loadConfig('configs/wse3.yaml');
  const region = { kind: 'layer', layerKind: 0, width: 60, height: 40 } as const;
  const chooserOf = (mapping: 'gqa' | 'waferllm', fixed?: Parameters<typeof groupChooser>[3]) => {
    const run = (input: RunInput) => fast(input);
    const square = mapping === 'waferllm' ? { ...region, width: 40 } : region;
    const mapped = { ...config, mapping, maxPositions: 100 };
    return groupChooser(mapped, [square], { run }, fixed).then((groupsOf) => groupsOf(square));
  };

  it('of the default mapping has a form for each line, in given groups too', async () => {
    const groups = { column: 3, row: 5, head: 1 };
    const { forms, ...counts } = await chooserOf('gqa', groups);
    expect(counts).toEqual(groups);
    // Rows and heads add vectors that no queue holds; heads in one group have no middle that could stream on.
    expect(forms).toEqual({ column: 'echoed', row: 'streamed', head: 'stored' });
  });

  it('of the published mapping is as published', async () => {
    expect(await chooserOf('waferllm', 6)).toEqual({ column: 6, row: 6, head: 6 });
    // 40 rows of products' parts: 19 groups where middles store, 2 where they stream on.
    const vectors = [1, 309, 103, 718].map((words): Vector => ({ words, type: 'f16' }));
    expect(fastest(40, vectors, ['stored']).groups).toBe(19);
    expect(fastest(40, vectors, TREE_FORMS).groups).toBe(2);
    expect(await chooserOf('waferllm')).toEqual({ column: 19, row: 19, head: 19 });
  });
});
