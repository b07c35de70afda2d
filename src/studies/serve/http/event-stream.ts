/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) on a response. Its head is
 * written with the first event, so that what fails before has a status. A reader that does not read, or is gone,
 * is given up: nothing of it stays in memory.
 */
import type { ServerResponse } from 'node:http';

export interface EventStream {
  /** Whether the status has been sent. */
  begun(): boolean;
  send(data: object | string, event?: string): void;
  end(): void;
}

const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};

export function eventStream(response: ServerResponse, mostUnread: number): EventStream {
  return {
    begun: () => response.headersSent,
    send(data, event) {
      if (response.destroyed || response.writableEnded) return;
      if (!response.headersSent) response.writeHead(200, HEAD);
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      response.write(
        event === undefined ? `data: ${text}\n\n` : `event: ${event}\ndata: ${text}\n\n`,
      );
      // To destroy it is to close it, which gives the request up.
      if (response.writableLength > mostUnread) response.destroy();
    },
    end() {
      response.end();
    },
  };
}
