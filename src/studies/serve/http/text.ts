/** Where answers get their words from. */
import type { CallPiece } from './service.js';
import type { Prompt } from './prompt.js';

export interface Piece {
  text: string;
  /** Where the token is part of a call of a tool; its text is empty then. */
  call?: CallPiece;
  /** The answer ends with it by itself. */
  last: boolean;
}

/** The words of one answer. */
export interface Spoken {
  /** Of token 0, 1, ... */
  piece(index: number): Piece;
  /** Whether it calls tools. */
  calls: boolean;
  /** Whether any piece can be asked for ahead of time. */
  known: boolean;
}

export interface SpeakOptions {
  maxTokens: number;
  seed: number | undefined;
  sample: number;
  ignoreEos: boolean;
}

export interface TextSource {
  speak(prompt: Prompt, options: SpeakOptions): Spoken;
  /** Tokens of a prompt. */
  count(prompt: Prompt): number;
}
