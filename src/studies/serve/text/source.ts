/** Where the text of answers comes from: one interface for words made up, echoes, scripts and computed tokens. */

/** What a client says, in the words of the interface that it uses. */
export interface Message {
  role: string;
  text: string;
}

/** A prompt: messages (a plain text is one of the user), or token ids. */
export interface Prompt {
  messages: readonly Message[];
  ids?: readonly number[];
}

/** A prompt's tokens, and how they were counted. */
export interface Counted {
  tokens: number;
  by: 'ids' | 'tokenizer' | 'bytes/4';
}

/** What an answer is asked for. */
export interface Asked {
  prompt: Prompt;
  maxTokens: number;
  /** Goes on to `maxTokens`, wherever the answer would end by itself. */
  ignoreEos?: boolean;
  /** What the client gives as its seed, and which of several answers to one prompt it is. */
  seed?: number | undefined;
  choice?: number;
}

export interface TextToken {
  id: number;
  text: string;
  /** Of a tool call: its index, and whether the text is its name; else that of its arguments. */
  call?: number;
  isName?: boolean;
}

export interface ToolCall {
  name: string;
  /** JSON as text. */
  arguments: string;
}

export interface Answer {
  /** Every token, at most `maxTokens`, where the answer is known at once; else tokens are computed one by one. */
  tokens?: readonly TextToken[];
  /** Token 0, 1, ... of the answer; undefined after its last one. Asked for in order. */
  token(index: number): TextToken | undefined | Promise<TextToken | undefined>;
  /** Why it ends after its last token. */
  finish: () => 'stop' | 'length' | 'tool_calls';
  calls: readonly ToolCall[];
  /** No more of it is asked for. */
  close(): void;
}

export interface TextSource {
  name: 'lorem' | 'echo' | 'script' | 'model';
  count(prompt: Prompt): Counted;
  /** @throws ModelError on token ids that the model does not have */
  answer(asked: Asked): Answer;
  close(): Promise<void>;
}
