/** The thread's side of `BodyThread`: the building block for the program of a protocol's thread. */
import { DaisError } from '@dais/api/errors';
import { insideThread } from '#lib/process.ts';
import type { FromBodyThread, ToBodyThread } from './body-thread.ts';
import { packTensors } from './packed-tensors.ts';
import type { ServedDescription } from '../serving-protocol.ts';
import type { Tensor } from '../tensors/tensors.ts';

export interface OpenBody {
  /** Data that does not depend on the model; small and cloneable. */
  readonly meta: unknown;
  decode(described: ServedDescription): readonly Tensor[];
}

/** Parses bodies one at a time until the thread is terminated. */
export function readBodies(open: (body: Buffer, how: unknown) => OpenBody | Promise<OpenBody>): void {
  const { port } = insideThread();
  const held = new Map<number, OpenBody>();
  const answer = (message: FromBodyThread, moved: readonly ArrayBuffer[] = []) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
    port.postMessage(message, [...moved]);
  };
  const follow = async (message: ToBodyThread) => {
    const { id } = message;
    if (message.type === 'close') held.delete(id);
    else if (message.type === 'open') {
      const { buffer, byteOffset, byteLength } = message.body;
      const opened = await open(Buffer.from(buffer, byteOffset, byteLength), message.how);
      held.set(id, opened);
      answer({ id, type: 'opened', meta: opened.meta });
    } else {
      const { tensors, moved } = packTensors(held.get(id)?.decode(message.described) ?? []);
      answer({ id, type: 'decoded', tensors }, moved);
    }
  };
  let last = Promise.resolve();
  port.on('message', (message: ToBodyThread) => {
    last = last.then(async () => {
      await follow(message).catch((error: unknown) => {
        const { id } = message;
        held.delete(id);
        const parseError = error instanceof DaisError ? error : undefined;
        const detail = parseError?.message ?? `Internal server error while reading the body: ${String(error)}`;
        answer({ id, type: 'failed', error: { code: parseError?.code ?? 'internal', detail } });
      });
    });
  });
}
