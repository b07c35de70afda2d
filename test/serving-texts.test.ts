/** Where the text of answers comes from. */
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../src/config/errors.js';
import type { Tokenizer } from '../src/checkpoint/tokenizer.js';
import { countBytes, countTokens } from '../src/studies/serve/text/count.js';
import { echoSource } from '../src/studies/serve/text/echo.js';
import { piecesOf } from '../src/studies/serve/text/listed.js';
import { loremSource } from '../src/studies/serve/text/lorem.js';
import { pieces } from '../src/studies/serve/text/pieces.js';
import { scriptSource } from '../src/studies/serve/text/script.js';
import type { Answer, Asked, Prompt } from '../src/studies/serve/text/source.js';
import { WORDS } from '../src/studies/serve/text/words.js';

const said = (...texts: string[]): Prompt => ({
  messages: texts.map((text, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', text })),
});
const textOf = ({ tokens }: Answer) => tokens!.map(({ text }) => text).join('');
const asked = (prompt: Prompt, maxTokens: number, more: Partial<Asked> = {}): Asked => {
  return { prompt, maxTokens, ...more };
};

describe('words made up', () => {
  const lorem = loremSource('1');
  const words = (more: Partial<Asked> = {}) => textOf(lorem.answer(asked(said('hi'), 20, more)));

  it('are as many as are asked for, each one token of the list', () => {
    const { tokens, finish } = lorem.answer(asked(said('hi'), 200));
    expect(tokens).toHaveLength(200);
    expect(finish()).toBe('length');
    for (const { id, text } of tokens!) expect(text).toBe(` ${WORDS[id]}`);
    expect(new Set(WORDS).size).toBe(WORDS.length);
    expect(WORDS.length).toBeGreaterThan(400);
    for (const word of WORDS) expect(word).toMatch(/^[a-z]+$/);
  });

  it("are those of the seed, of the client's, of the prompt and of which answer it is", () => {
    const all = [words(), words({ seed: 5 }), words({ choice: 1 })];
    all.push(textOf(loremSource('2').answer(asked(said('hi'), 20))));
    all.push(textOf(lorem.answer(asked(said('ho'), 20))));
    all.push(textOf(lorem.answer(asked({ messages: [], ids: [1] }, 20))));
    expect(new Set(all).size).toBe(6);
    expect(words()).toBe(all[0]);
  });

  it('end by themselves after some hundreds, unless they are not to', () => {
    const whole = lorem.answer(asked(said('hi'), 5000));
    expect(whole.finish()).toBe('stop');
    expect(whole.tokens!.length).toBeGreaterThanOrEqual(256);
    expect(whole.tokens!.length).toBeLessThan(768);
    const on = lorem.answer(asked(said('hi'), 5000, { ignoreEos: true }));
    expect([on.tokens!.length, on.finish()]).toEqual([5000, 'length']);
    expect(textOf(on).startsWith(textOf(whole))).toBe(true);
  });
});

describe('an echo', () => {
  const echo = echoSource();
  it('says the last message again, and begins again where it is not to end', () => {
    const answer = echo.answer(asked(said('one', 'two', 'a Zürich 🙂 day'), 100));
    expect([textOf(answer), answer.finish()]).toEqual(['a Zürich 🙂 day', 'stop']);
    const cut = echo.answer(asked(said('12345678'), 1));
    expect([textOf(cut), cut.finish()]).toEqual(['1234', 'length']);
    const on = echo.answer(asked(said('12345678'), 5, { ignoreEos: true }));
    expect([textOf(on), on.finish()]).toEqual(['12345678123456781234', 'length']);
    expect(textOf(echo.answer(asked({ messages: [], ids: [5, 7] }, 9)))).toBe(' 5 7');
  });
  it('has as many tokens as its prompt is counted to have', () => {
    const prompt = said('twenty-four bytes long..');
    expect(echo.answer(asked(prompt, 100)).tokens).toHaveLength(countBytes(prompt).tokens);
  });
});

describe('pieces of a text', () => {
  it('are about four bytes of whole characters, and all of it', () => {
    expect(piecesOf('abcdefghi')).toEqual(['abcd', 'efgh', 'i']);
    expect(piecesOf('aüüü🙂b')).toEqual(['aü', 'üü', '🙂', 'b']);
    expect(piecesOf('')).toEqual([]);
  });
});

describe('a script', () => {
  const SCRIPT = [
    '{"match": "weather", "role": "user", "tool_calls": [{"name": "look", "arguments": {"city": "Bern"}}]}',
    '',
    '{"match": "sunny", "text": "It is sunny."}',
    '{"match": "both", "text": "I look.", "tool_calls": [{"name": "a", "arguments": "{}"}, {"name": "b", "arguments": "{\\"x\\":12345}"}]}',
  ].join('\n');
  const script = scriptSource(SCRIPT, 'x.jsonl');
  const answer = (role: string, text: string, maxTokens = 100) =>
    script.answer(
      asked(
        {
          messages: [
            { role: 'user', text: 'weather' },
            { role, text },
          ],
        },
        maxTokens,
      ),
    );

  it('brings an agent to its end: a call, and an answer to what the tool says', () => {
    const call = answer('user', 'the weather?');
    expect(call.calls).toEqual([{ name: 'look', arguments: '{"city":"Bern"}' }]);
    expect(call.finish()).toBe('tool_calls');
    expect(call.tokens![0]).toEqual({ id: 0, text: 'look', call: 0, isName: true });
    expect(textOf(call)).toBe('look{"city":"Bern"}');
    const end = answer('tool', 'sunny, 20 degrees, nice weather');
    expect([textOf(end), end.finish(), end.calls]).toEqual(['It is sunny.', 'stop', []]);
  });
  it('has text before calls, and the tokens of each call by its number', () => {
    const both = answer('user', 'both');
    const of = (call: number | undefined) =>
      both
        .tokens!.filter((token) => token.call === call)
        .map(({ text }) => text)
        .join('|');
    expect([of(undefined), of(0), of(1)]).toEqual(['I lo|ok.', 'a|{}', 'b|{"x"|:123|45}']);
    expect(both.tokens!.map(({ id }) => id)).toEqual(both.tokens!.map((_, i) => i));
  });
  it('is cut where it is longer than what is asked for', () => {
    const cut = answer('user', 'weather', 2);
    expect([cut.tokens!.length, cut.finish()]).toEqual([2, 'length']);
  });
  it('says so where no line fits, unless one fits all', () => {
    expect(textOf(answer('user', 'hm'))).toBe('No line of the script fits this message.');
    const last = scriptSource(`${SCRIPT}\n{"text": "Else."}`, 'x');
    expect(textOf(last.answer(asked(said('hm'), 100)))).toBe('Else.');
  });
  it.each([
    ['nonsense', 'x:1: expected a JSON object, found nonsense'],
    ['\n[1]', /^x:2: expected a JSON object with .*, found /],
    ['{"match": "a"}', 'x:1: expected text or tool_calls, found neither'],
    ['{"text": 3}', 'x:1: text: expected a text, found 3'],
    ['{"txt": "a"}', /^x:1: expected a JSON object with .*, found /],
    [
      '{"tool_calls": [{"name": "a"}]}',
      'x:1: tool_calls.0.arguments: expected a JSON object, or its text, found nothing',
    ],
    [' \n', /^x: expected JSON lines such as .*, found none$/],
  ])('is refused in one line where it is %j', (content, message) => {
    expect(() => scriptSource(content, 'x')).toThrow(message);
    expect(() => scriptSource(content, 'x')).toThrow(ConfigError);
    try {
      scriptSource(content, 'x');
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });
});

/** A tokenizer of bytes. */
const BYTES: Tokenizer = {
  encode: (text) => [...Buffer.from(text)],
  decode: (tokens) => Buffer.from(tokens).toString('utf8'),
};

describe('a prompt', () => {
  it('counts as its ids, or by the tokenizer, or as a token for every four bytes', () => {
    expect(countBytes({ messages: [], ids: [1, 2, 3] })).toEqual({ tokens: 3, by: 'ids' });
    expect(countBytes(said('1234', '5678', '9'))).toEqual({ tokens: 3, by: 'bytes/4' });
    expect(countBytes(said('🙂🙂'))).toEqual({ tokens: 2, by: 'bytes/4' });
    expect(countBytes(said(''))).toEqual({ tokens: 1, by: 'bytes/4' });
    const count = countTokens(BYTES);
    expect(count(said('abc', 'd'))).toEqual({ tokens: 5, by: 'tokenizer' });
    expect(count({ messages: [], ids: [1] })).toEqual({ tokens: 1, by: 'ids' });
  });
});

describe('the text of computed tokens', () => {
  it('comes character by character, with the last byte of each', () => {
    const text = 'a€🙂b';
    const piece = pieces(BYTES, BYTES.encode('before: '));
    const said = BYTES.encode(text).map((token) => piece(token));
    expect(said).toEqual(['a', '', '', '€', '', '', '', '🙂', 'b']);
  });
  it('is what there is, where the answer ends within a character or a token has no text', () => {
    const [first, second] = BYTES.encode('€');
    const piece = pieces(BYTES, [97]);
    expect([piece(first), piece(second, true)]).toEqual(['', '\uFFFD']);
    const broken = pieces(BYTES, [97]);
    const all = Array.from({ length: 14 }, () => broken(255)).join('');
    expect(all.length).toBeGreaterThan(5);
  });
});
