/**
 * Computes Shapley values of trees on a thread, because one row takes hundreds of milliseconds, which would block
 * predictions and the control process. The thread is stateless and starts with the first explanation.
 */
import { DaisError } from '@dais/api/errors';
import { programUrl, startThread, type Thread } from '#lib/process.ts';
import type { OnnxTrees } from '#lib/shapley/onnx-trees.ts';
import type { ExplainableRow, ExplainedRow } from '#lib/shapley/tree-rows.ts';

export type ToTreeThread =
  | { readonly id: number; readonly type: 'read'; readonly file: Uint8Array }
  | { readonly id: number; readonly type: 'explain'; readonly trees: OnnxTrees; readonly row: ExplainableRow };

export type FromTreeThread =
  | { readonly id: number; readonly type: 'read'; readonly trees: OnnxTrees | undefined }
  | ({ readonly id: number; readonly type: 'explained' } & ExplainedRow)
  | { readonly id: number; readonly type: 'failed'; readonly detail: string };

interface Waiting {
  readonly resolve: (message: FromTreeThread) => void;
  readonly reject: (error: Error) => void;
}

export class TreeExplainer {
  readonly #waiting = new Map<number, Waiting>();
  #thread: Thread | undefined;
  #last = 0;

  /** Returns the trees of an ONNX file; undefined if it contains anything else. Transfers the bytes. */
  async read(file: Buffer): Promise<OnnxTrees | undefined> {
    // A view of shared memory cannot be transferred.
    const whole = file.byteLength === file.buffer.byteLength ? file : Buffer.from(new Uint8Array(file).buffer);
    const id = ++this.#last;
    const answer = await this.#send({ id, type: 'read', file: whole }, [whole.buffer as ArrayBuffer]);
    return answer.type === 'read' ? answer.trees : undefined;
  }

  async explain(trees: OnnxTrees, row: ExplainableRow): Promise<ExplainedRow> {
    const answer = await this.#send({ id: ++this.#last, type: 'explain', trees, row }, []);
    if (answer.type !== 'explained') throw new Error('the tree thread returned an unexpected message');
    return { shapley: answer.shapley, output: answer.output };
  }

  async #send(message: ToTreeThread, moved: readonly ArrayBuffer[]): Promise<FromTreeThread> {
    return await new Promise<FromTreeThread>((resolve, reject) => {
      this.#waiting.set(message.id, { resolve, reject });
      this.#thread ??= this.#start();
      this.#thread.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
      this.#thread.postMessage(message, [...moved]);
    });
  }

  #start(): Thread {
    const thread = startThread(programUrl(import.meta.url, './tree-thread'), undefined);
    let failure: unknown;
    thread.on('error', (error) => (failure = error));
    thread.on('message', (message: FromTreeThread) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      // The thread keeps the process alive only while a caller waits.
      if (this.#waiting.size === 0) thread.unref();
      if (message.type === 'failed') waiting?.reject(new Error(message.detail));
      else waiting?.resolve(message);
    });
    thread.once('exit', () => {
      this.#thread = undefined;
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      const error = new DaisError('internal', 'The thread that explains tree models exited.', { cause: failure });
      for (const { reject } of lost) reject(error);
    });
    return thread;
  }
}
