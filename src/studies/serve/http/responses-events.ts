/**
 * The events of a response as its answer comes: a message and calls of tools are opened, grow and are closed one
 * after the other. https://platform.openai.com/docs/api-reference/responses-streaming
 */
import { newId } from './ids.js';
import { outputText } from './responses-objects.js';
import type { CallItem, MessageItem, OutputItem, ResponseObject } from './responses-objects.js';
import type { CallPiece } from './service.js';

export interface ResponseEvent {
  type: string;
  sequence_number: number;
  [field: string]: unknown;
}

export interface ResponseEvents {
  output: OutputItem[];
  begin(response: ResponseObject): void;
  text(delta: string): void;
  call(piece: CallPiece): void;
  /** @param cut the last item is not complete */
  close(cut: boolean): void;
  end(response: ResponseObject): void;
}

export function responseEvents(emit: (event: ResponseEvent) => void): ResponseEvents {
  let next = 0;
  const output: OutputItem[] = [];
  const send = (type: string, fields: object) => emit({ type, sequence_number: next++, ...fields });
  const open = () => output.find(({ status }) => status === 'in_progress');
  const close = (cut: boolean) => {
    const item = open();
    if (item === undefined) return;
    const place = { item_id: item.id, output_index: output.indexOf(item) };
    item.status = cut ? 'incomplete' : 'completed';
    if (item.type === 'message') closeMessage(item, place);
    else
      send('response.function_call_arguments.done', {
        ...place,
        name: item.name,
        arguments: item.arguments,
      });
    send('response.output_item.done', { output_index: place.output_index, item });
  };
  const closeMessage = ({ content: [part] }: MessageItem, place: object) => {
    const at = { ...place, content_index: 0 };
    send('response.output_text.done', { ...at, text: part.text, logprobs: [] });
    send('response.content_part.done', { ...at, part });
  };
  const add = <T extends OutputItem>(item: T): T => {
    close(false);
    output.push(item);
    // As it is now: it grows, and events may be sent later.
    send('response.output_item.added', {
      output_index: output.length - 1,
      item: { ...item, ...(item.type === 'message' && { content: [] }) },
    });
    return item;
  };
  const addMessage = () => {
    const item = add<MessageItem>({
      type: 'message',
      id: newId('msg_'),
      role: 'assistant',
      status: 'in_progress',
      content: [outputText('')],
    });
    send('response.content_part.added', {
      item_id: item.id,
      output_index: output.length - 1,
      content_index: 0,
      part: outputText(''),
    });
    return item;
  };
  return {
    output,
    begin(response) {
      send('response.created', { response });
      send('response.in_progress', { response });
    },
    text(delta) {
      const last = open();
      const item = last?.type === 'message' ? last : addMessage();
      item.content[0].text += delta;
      send('response.output_text.delta', {
        item_id: item.id,
        output_index: output.length - 1,
        content_index: 0,
        delta,
        logprobs: [],
      });
    },
    call({ name, text }) {
      const last = open();
      const item =
        name === undefined && last?.type === 'function_call' ? last : add(newCall(name ?? ''));
      item.arguments += text;
      if (text === '') return;
      send('response.function_call_arguments.delta', {
        item_id: item.id,
        output_index: output.length - 1,
        delta: text,
      });
    },
    close,
    end(response) {
      send(`response.${response.status}`, { response });
    },
  };
}

function newCall(name: string): CallItem {
  return {
    type: 'function_call',
    id: newId('fc_'),
    call_id: newId('call_'),
    name,
    arguments: '',
    status: 'in_progress',
  };
}
