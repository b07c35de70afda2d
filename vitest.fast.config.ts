/** `npm run test:fast`: what another version of Node could change, in a minute or two. */
import { mergeConfig } from 'vitest/config';
import { SLOW } from './test/slow.js';
import base from './vitest.config.js';

export default mergeConfig(base, { test: { exclude: SLOW } });
