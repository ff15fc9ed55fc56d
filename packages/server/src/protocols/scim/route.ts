import type { Operation, OutputOf } from '@dais/api';
import type { z } from 'zod';
import type { Document } from './read-document.ts';

/** A request to the adapter. */
export interface ScimRequest {
  /** The last segment of the path; empty for a collection. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly ifMatch: string | undefined;
  /** URL of the adapter, without a slash at the end. */
  readonly base: string;
  /** Decodes the body. @throws ScimError */
  body(): unknown;
  /** Calls an operation of the kernel, which validates the input. */
  call<Op extends Operation>(operation: Op, input: z.input<Op['input']>): Promise<OutputOf<Op>>;
}

export interface ScimResponse {
  readonly status: number;
  readonly body?: Document;
  /** Of the resource: its ETag. */
  readonly version?: string;
  readonly location?: string;
}

export interface ScimRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the path of the adapter. */
  readonly path: `/${string}`;
  readonly operation: Operation;
  readonly answer: (request: ScimRequest) => Promise<ScimResponse>;
}
