/** Names of things in answers, as OpenAI makes them: a prefix and what no other has. */
import { randomUUID } from 'node:crypto';

export function newId(prefix: string): string {
  return `${prefix}${randomUUID().replaceAll('-', '')}`;
}
