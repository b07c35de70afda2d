/** Conversations that later requests may continue by `previous_response_id`, the least recently used forgotten first. */
import type { HttpLimits } from './limits.js';
import type { Message } from '../text/source.js';

export interface Conversation {
  /** Of the response that it ends with. */
  id: string;
  /** Tools and instructions in front of it. */
  preface: readonly Message[];
  /** What came before it; then its own messages, the answer last. */
  before: Conversation | undefined;
  messages: readonly Message[];
  /** Tokens of all messages, and with those of the preface. */
  spokenTokens: number;
  tokens: number;
  /** Characters of all of it. */
  characters: number;
  /** The request in the simulated server that made it, and the model that answered. */
  request: number;
  model: string;
}

export interface Conversations {
  keep(conversation: Conversation): void;
  find(id: string): Conversation | undefined;
}

export function conversationsWithin({
  conversations: most,
  conversationCharacters,
}: HttpLimits): Conversations {
  const kept = new Map<string, Conversation>();
  let characters = 0;
  const drop = (id: string) => {
    characters -= kept.get(id)?.characters ?? 0;
    kept.delete(id);
  };
  return {
    keep(conversation) {
      kept.set(conversation.id, conversation);
      characters += conversation.characters;
      for (const id of kept.keys()) {
        if (kept.size <= most && characters <= conversationCharacters) break;
        drop(id);
      }
    },
    find(id) {
      const found = kept.get(id);
      if (found === undefined) return undefined;
      kept.delete(id);
      kept.set(id, found);
      return found;
    },
  };
}

/** All messages of a conversation, first one first, without what stands in front. */
export function messagesOf(conversation: Conversation | undefined): Message[] {
  const turns: (readonly Message[])[] = [];
  for (let turn = conversation; turn !== undefined; turn = turn.before) turns.push(turn.messages);
  return turns.reverse().flat();
}

/** What `before` is with these messages, the answer included. */
export function continued(
  before: Conversation | undefined,
  turn: Omit<Conversation, 'before' | 'characters'>,
): Conversation {
  const own = [...turn.preface, ...turn.messages].reduce((sum, { text }) => sum + text.length, 0);
  return { ...turn, before, characters: (before?.characters ?? 0) + own };
}
