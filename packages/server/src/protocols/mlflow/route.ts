import type { ErrorCode, Operation } from '@dais/api';
import type { z } from 'zod';
import type { Message, Values } from './wire/message.ts';

/** Error codes for which this endpoint has its own messages. */
export type Refusals = { readonly [Code in ErrorCode]?: ((error: RefusedCall) => Error) | undefined };

/** What an operation refused, and why. */
export interface RefusedCall {
  readonly message: string;
  readonly issues: readonly { readonly path?: string; readonly message: string; readonly expected?: string }[];
}

/** Calls an operation on behalf of the request. */
export type CallOperation = <Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  input: z.input<Input>,
  refusals?: Refusals,
) => Promise<z.output<Output>>;

/**
 * One endpoint as data. All of it is served below `/api` and `/ajax-api`, and both again below `/p/<project>`: see
 * route-table.ts.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/api/<version>.0`; `:name` parts are fields of the request. */
  readonly path: `/mlflow/${string}` | `/mlflow-artifacts/${string}`;
  readonly version: 2 | 3;
  /** Why it is in none of MLflow's protocol files: its server adds it by hand. */
  readonly beside?: string;
  /**
   * Its answers can be megabytes, and are not indented as all others are in MLflow's way: in a search of 1,000 runs that
   * is 3 of 5 MB, and a third of the CPU of writing them.
   */
  readonly long?: true;
  readonly request: Message;
  readonly response: Message;
  /** The operation that it is about. A server without it does not have the endpoint. */
  readonly operation: Operation;
  answer(values: Values<Message>, call: CallOperation): Promise<unknown>;
}

/** Preserves the types of the request, which the table erases. */
export function route<M extends Message>(
  definition: Omit<Route, 'answer' | 'request' | 'version' | 'response'> & {
    readonly version?: 3;
    readonly request: M;
    readonly response?: Message;
    readonly answer: (values: Values<M>, call: CallOperation) => Promise<unknown>;
  },
): Route {
  return { version: 2, response: {}, ...definition } as unknown as Route;
}
