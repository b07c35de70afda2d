// Loaded before the built command (`node --import`): a fast engine whose wafers lose one weight of a layer.
import { ENGINES } from '../../dist/engine/engines.js';

const { fast } = ENGINES;
ENGINES.fast = (input) => {
  if (input.program.name === 'layer 0')
    for (const cells of input.memory ?? []) cells.fill(0, 20, 60);
  return fast(input);
};
