/**
 * Runs a model that is explained in a thread of its own: computing its background rows takes tens of milliseconds at a
 * time, which would block the control process. The thread ends with the model.
 */
import { DaisError, type ErrorCode, type Issue } from '@dais/api/errors';
import { programUrl, startThread, type Thread } from '#lib/process.ts';
import type { Log } from '#lib/log.ts';
import type { ExplainRequest, Explanation } from '../serving-protocol.ts';
import type { Table, TableModelRequest } from './table-model.ts';

export type ExplainOptions = Pick<ExplainRequest, 'outputIndex' | 'seed' | 'mostBackground'>;

export type ExplainingRequest =
  | { readonly type: 'open'; readonly request: TableModelRequest }
  | { readonly type: 'check'; readonly columns: readonly string[] }
  | { readonly type: 'exampleRows' }
  | {
      readonly type: 'explain';
      /** The format of captured predictions; otherwise a table. */
      readonly kept: boolean;
      readonly table: Table;
      readonly background: Table | undefined;
      readonly how: ExplainOptions;
    }
  | { readonly type: 'close' };

export type ToExplaining = ExplainingRequest & { readonly id: number };

export type FromExplaining =
  | { readonly id: number; readonly type: 'done'; readonly value: unknown }
  | {
      readonly id: number;
      readonly type: 'failed';
      readonly code: ErrorCode;
      readonly detail: string;
      readonly issues: readonly Issue[] | undefined;
    }
  | { readonly type: 'phase'; readonly phase: string }
  | { readonly type: 'log'; readonly level: keyof Log; readonly message: string; readonly error: string | undefined };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ThreadOptions {
  readonly log: Log;
  /** Options for the engines of the thread. */
  readonly setup: unknown;
  readonly onPhase: (phase: string) => void;
}

/** Timeout for closing the model before the thread is terminated. */
const CLOSE_MS = 10_000;

export class ExplainingThread {
  readonly #thread: Thread;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor({ log, setup, onPhase }: ThreadOptions) {
    this.#thread = startThread(programUrl(import.meta.url, '../../explain-thread'), setup);
    let failure: unknown;
    this.#thread.on('error', (error) => (failure = error));
    this.#thread.on('message', (message: FromExplaining) => {
      if (message.type === 'phase') onPhase(message.phase);
      else if (message.type === 'log') log[message.level](message.message, { error: message.error });
      else this.#hear(message);
    });
    this.#thread.once('exit', () => {
      const lost = [...this.#waiting.values()];
      this.#waiting.clear();
      const error = new DaisError('model_unavailable', 'The explanation thread exited.', { cause: failure });
      for (const { reject } of lost) reject(error);
    });
  }

  /** @throws DaisError as the engines do. */
  static async open(request: TableModelRequest, options: ThreadOptions): Promise<ExplainingThread> {
    const opened = new ExplainingThread(options);
    try {
      await opened.#send({ type: 'open', request });
      return opened;
    } catch (error) {
      await opened.#thread.terminate();
      throw error;
    }
  }

  /** Returns the error that any row with these columns would cause. @throws DaisError `invalid_request`. */
  async check(columns: readonly string[]): Promise<void> {
    await this.#send({ type: 'check', columns });
  }

  async exampleRows(): Promise<number> {
    return (await this.#send({ type: 'exampleRows' })) as number;
  }

  async explain(table: Table, background: Table | undefined, how: ExplainOptions): Promise<Explanation> {
    return (await this.#send({ type: 'explain', kept: false, table, background, how })) as Explanation;
  }

  async explainKept(table: Table, background: Table | undefined, how: ExplainOptions): Promise<Explanation> {
    return (await this.#send({ type: 'explain', kept: true, table, background, how })) as Explanation;
  }

  async close(): Promise<void> {
    const closed = this.#send({ type: 'close' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([closed.catch(() => undefined), late]);
    clearTimeout(timer);
    await this.#thread.terminate();
  }

  async #send(requested: ExplainingRequest): Promise<unknown> {
    const id = ++this.#last;
    return await new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node has no origin
      this.#thread.postMessage({ ...requested, id } satisfies ToExplaining);
    });
  }

  #hear(message: Extract<FromExplaining, { readonly id: number }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'done') waiting?.resolve(message.value);
    else
      waiting?.reject(
        new DaisError(message.code, message.detail, { ...(message.issues && { issues: message.issues }) }),
      );
  }
}
