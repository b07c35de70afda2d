/** What the process knows of the thread of the command: whether it writes, has written, and what it does. */
import { describe, expect, it } from 'vitest';
import {
  createSharedState,
  doing,
  ended,
  isRefused,
  isWriting,
  nowDoing,
} from '../src/cli/shared-state.js';
import { refuseWriting, whileTrying, whileWriting, wrote } from '../src/cli/shared-state.js';

describe('writing', () => {
  it('is known while it lasts, and was done once it is over', () => {
    const state = createSharedState();
    expect([isWriting(state), wrote(state)]).toEqual([false, false]);
    const result = whileWriting(state, () => {
      expect([isWriting(state), wrote(state)]).toEqual([true, false]);
      return 7;
    });
    expect(result).toBe(7);
    expect([isWriting(state), wrote(state)]).toEqual([false, true]);
  });

  it('that fails is over, and nothing was written', () => {
    const state = createSharedState();
    const fails = () =>
      whileWriting(state, () => {
        throw new Error('no room');
      });
    expect(fails).toThrow('no room');
    expect([isWriting(state), wrote(state)]).toEqual([false, false]);
  });

  it('that is only tried is known while it lasts, and nothing was written', () => {
    const state = createSharedState();
    whileTrying(state, () => expect(isWriting(state)).toBe(true));
    expect([isWriting(state), wrote(state)]).toEqual([false, false]);
  });

  it('of one file inside that of others continues until all are written', () => {
    const state = createSharedState();
    whileWriting(state, () => {
      whileWriting(state, () => {});
      expect(isWriting(state)).toBe(true);
    });
    expect(isWriting(state)).toBe(false);
  });

  it('is in the line of a command that is ended; trying and failing are not', () => {
    const state = createSharedState();
    const fails = () =>
      whileWriting(state, () => {
        throw new Error('no room');
      });
    whileTrying(state, () => {});
    expect(fails).toThrow('no room');
    expect(ended(state, 'interrupted')).toBe('interrupted; nothing was written');
    whileWriting(state, () => {});
    expect(ended(state, 'interrupted')).toBe('interrupted');
  });

  it('is refused from a moment on', () => {
    const state = createSharedState();
    expect(isRefused(state)).toBe(false);
    refuseWriting(state);
    expect(isRefused(state)).toBe(true);
  });
});

describe('what the command is doing', () => {
  it('is reading before it says anything, and then what it said last', () => {
    const state = createSharedState();
    expect(doing(state)).toBe('reading');
    nowDoing(state, 'step 2, layer 17');
    expect(doing(state)).toBe('step 2, layer 17');
    nowDoing(state, 'head');
    expect(doing(state)).toBe('head');
  });

  it('is cut after 240 bytes, between characters', () => {
    const state = createSharedState();
    nowDoing(state, 'a'.repeat(500));
    expect(doing(state)).toBe('a'.repeat(240));
    nowDoing(state, `${'a'.repeat(239)}é`);
    expect(doing(state)).toBe('a'.repeat(239));
  });
});
