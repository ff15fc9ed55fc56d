import type { ErrorCode, Operation } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Message, Values } from './wire/message.ts';
import type { Json } from './wire/parse.ts';

/** Codes that this endpoint tells in words of its own. */
export type Refusals = { readonly [Code in ErrorCode]?: ((error: { readonly message: string }) => Error) | undefined };

/** Calls an operation on behalf of the request. */
export type CallOperation = <Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  input: z.input<Input>,
  refusals?: Refusals,
) => Promise<z.output<Output>>;

/** Answers a request: settles whose project it is of, and says the answer in the ids of that project. */
export type AnsweringFor = (
  request: FastifyRequest,
  reply: FastifyReply,
) => (values: Json, answer: (values: Json, call: CallOperation) => Promise<object>) => Promise<unknown>;

/** One endpoint as data: served below `/apis/v2beta1`, and again below `/p/<project>/apis/v2beta1`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** As it is published: `/runs/{run_id}:archive`. Its names are fields of the request. */
  readonly path: `/${string}`;
  /** What stands in the query string of a GET or DELETE, and in the body of all else. */
  readonly request: Message;
  /** The message of the body where it is one field of the published request. */
  readonly body?: string;
  /** The operation that it is about. A server without it does not have the endpoint. */
  readonly operation: Operation;
  answer(values: Values<Message>, call: CallOperation): Promise<object>;
}

/** Keeps the types of the request; the table forgets them. */
export function route<M extends Message>(
  definition: Omit<Route, 'answer' | 'request'> & {
    readonly request: M;
    readonly answer: (values: Values<M>, call: CallOperation) => Promise<object>;
  },
): Route {
  return definition;
}
