import type { ErrorCode, Operation } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Message, Values } from './wire/message.ts';
import type { Json } from './wire/parse.ts';

/** Error codes with specific errors of this endpoint. */
export type Refusals = { readonly [Code in ErrorCode]?: ((error: { readonly message: string }) => Error) | undefined };

/** Calls an operation on behalf of the request. */
export type CallOperation = <Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
  input: z.input<Input>,
  refusals?: Refusals,
) => Promise<z.output<Output>>;

/** Handles a request: determines its project, and returns the response with ids of that project. */
export type RespondFor = (
  request: FastifyRequest,
  reply: FastifyReply,
) => (values: Json, answer: (values: Json, call: CallOperation) => Promise<object>) => Promise<unknown>;

/** One endpoint as data: served below `/apis/v2beta1`, and again below `/p/<project>/apis/v2beta1`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** The published path: `/runs/{run_id}:archive`. Its parameters are fields of the request. */
  readonly path: `/${string}`;
  /** Fields of the query string of GET and DELETE, and of the body of other methods. */
  readonly request: Message;
  /** The message of the body if it is a field of the published request. */
  readonly body?: string;
  /** The main operation. A server without it does not have the endpoint. */
  readonly operation: Operation;
  answer(values: Values<Message>, call: CallOperation): Promise<object>;
}

/** Defines a route with a typed request; the table has the untyped form. */
export function route<M extends Message>(
  definition: Omit<Route, 'answer' | 'request'> & {
    readonly request: M;
    readonly answer: (values: Values<M>, call: CallOperation) => Promise<object>;
  },
): Route {
  return definition;
}
