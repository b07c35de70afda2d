/** What the model reads, as every route brings it: token ids, or messages. */
export interface Message {
  /** `system`, `developer`, `user`, `assistant` or `tool`. */
  role: string;
  text: string;
}

export interface Prompt {
  /** Where the client sent token ids, those; messages are then empty. */
  ids?: readonly number[];
  messages: readonly Message[];
}

/** A call of a tool in a conversation, as text that the model reads. */
export function callText(name: string, argumentsText: string): string {
  return `${name}(${argumentsText})`;
}
