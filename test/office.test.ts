/** What the process knows of the thread that works: whether it writes, has written, and what it does. */
import { describe, expect, it } from 'vitest';
import { createOffice, doing, isRefused, isWriting, nowDoing } from '../src/cli/office.js';
import { refuseWriting, whileWriting, wrote } from '../src/cli/office.js';

describe('writing', () => {
  it('is known while it lasts, and was done once it is over', () => {
    const office = createOffice();
    expect([isWriting(office), wrote(office)]).toEqual([false, false]);
    const result = whileWriting(office, () => {
      expect([isWriting(office), wrote(office)]).toEqual([true, false]);
      return 7;
    });
    expect(result).toBe(7);
    expect([isWriting(office), wrote(office)]).toEqual([false, true]);
  });

  it('that fails is over, and nothing was written', () => {
    const office = createOffice();
    const fails = () =>
      whileWriting(office, () => {
        throw new Error('no room');
      });
    expect(fails).toThrow('no room');
    expect([isWriting(office), wrote(office)]).toEqual([false, false]);
  });

  it('of one file inside that of others goes on until all are written', () => {
    const office = createOffice();
    whileWriting(office, () => {
      whileWriting(office, () => {});
      expect(isWriting(office)).toBe(true);
    });
    expect(isWriting(office)).toBe(false);
  });

  it('is refused from a moment on', () => {
    const office = createOffice();
    expect(isRefused(office)).toBe(false);
    refuseWriting(office);
    expect(isRefused(office)).toBe(true);
  });
});

describe('what the command is doing', () => {
  it('is reading before it says anything, and then what it said last', () => {
    const office = createOffice();
    expect(doing(office)).toBe('reading');
    nowDoing(office, 'step 2, layer 17');
    expect(doing(office)).toBe('step 2, layer 17');
    nowDoing(office, 'head');
    expect(doing(office)).toBe('head');
  });

  it('is cut after 240 bytes, between characters', () => {
    const office = createOffice();
    nowDoing(office, 'a'.repeat(500));
    expect(doing(office)).toBe('a'.repeat(240));
    nowDoing(office, `${'a'.repeat(239)}é`);
    expect(doing(office)).toBe('a'.repeat(239));
  });
});
