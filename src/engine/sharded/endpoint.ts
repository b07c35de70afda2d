/** A worker thread's port as comlink wants it; its own adapter for Node comes without types. */
import type { Endpoint } from 'comlink';
import type { MessagePort, Worker } from 'node:worker_threads';

type Listener = (event: MessageEvent) => void;

export function endpointOf(port: Worker | MessagePort): Endpoint {
  const wrapped = new WeakMap<object, (data: unknown) => void>();
  return {
    postMessage: (message: unknown, transfer?: unknown[]) =>
      port.postMessage(message, transfer as ArrayBuffer[] | undefined),
    addEventListener: (_type: string, listener: object) => {
      const received = (data: unknown) => {
        const event = { data } as MessageEvent;
        if (typeof listener === 'function') (listener as Listener)(event);
        else (listener as { handleEvent: Listener }).handleEvent(event);
      };
      wrapped.set(listener, received);
      port.on('message', received);
    },
    removeEventListener: (_type: string, listener: object) => {
      const received = wrapped.get(listener);
      if (received) port.off('message', received);
    },
    start: () => {
      if ('start' in port) port.start();
    },
  };
}
