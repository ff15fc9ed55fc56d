import type { z } from 'zod';
import type { Role } from '#kinds/role-binding.ts';

/** The target of an operation, for policies and the audit log. */
export interface OperationTarget {
  readonly kind: string;
  /** Absent for the whole collection. */
  readonly name?: string;
  /** Absent for organization kinds, and for “the project of the request”. */
  readonly project?: string;
  /** The state after a write: policies evaluate it in addition to the present state. */
  readonly desired?: DesiredState;
  /**
   * The version that the operation promotes: facts are about it. `null`: it promotes none. Absent: facts are about the
   * present state.
   */
  readonly version?: string | null;
  /** The new alias of the version. */
  readonly alias?: string;
  /** The new stage of the version. */
  readonly stage?: string;
}

/** The part of a manifest that policies can evaluate before it is written. */
export interface DesiredState {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The native REST binding of an operation. Other protocols have their own tables. */
export interface HttpBinding {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `:name` parts become input fields, URL-decoded. */
  readonly path: `/api/v1/${string}` | `/auth/${string}` | `/transfer/${string}`;
  /** Status of a successful response. */
  readonly status: 200 | 201 | 202;
  /** The input field that is the whole body; without it, the body's fields are input fields. */
  readonly bodyField?: string;
  /** Input fields that come from the query string. */
  readonly query?: readonly string[];
  /** The input field with the whole query string: for callers that add their own parameters. */
  readonly queryField?: string;
  /** The input field of the header If-Match. */
  readonly ifMatchField?: string;
  /** Input fields of cookies, by the cookie's name without `__Host-`; below `/auth/` only. */
  readonly cookies?: Readonly<Record<string, string>>;
  /** The input field of the header `Dais-Ticket`; below `/transfer/` only. */
  readonly ticketField?: string;
  /** The output field that an upload also returns as `ETag`. */
  readonly etagField?: string;
  /**
   * `upload`: the body is a stream of bytes, which the handler reads. `download`: the response is bytes, whole or a
   * range; `output` then describes the handler's metadata of them.
   */
  readonly content?: 'upload' | 'download';
  /** For a download: it is HTML, which a browser renders in an opaque origin without network access. */
  readonly page?: true;
  /** The body can also be YAML, which this decoder decodes instead of JSON. */
  readonly yaml?: true;
}

/**
 * One operation as data. Every caller (HTTP, gRPC, other protocols, controllers, jobs) uses the kernel's dispatcher,
 * which validates the input, authorizes and opens the transaction.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** `secret.get`: unique. */
  readonly name: string;
  /** `secret:read`: the action that policies permit. */
  readonly action: string;
  /** `watch` operations return a stream of `output`. */
  readonly mode: 'read' | 'write' | 'watch';
  readonly scope: 'org' | 'project';
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  /**
   * The target. Undefined when only the handler can determine it (many documents in one body): it must then authorize
   * each one itself, and the dispatcher rejects a response without any authorization.
   */
  readonly target?: (input: z.output<Input>) => OperationTarget;
  /**
   * Unauthenticated callers may perform it: sign-in and its steps, and operations whose input has a ticket as proof.
   */
  readonly public?: true;
  /**
   * Authenticated callers may perform it on their own data, whatever their roles: its handler touches no data of
   * others. The scopes of a token apply.
   */
  readonly self?: true;
  /**
   * The output has a secret that is returned only once, such as a token, and is not stored: it accepts no
   * Idempotency-Key, with which a retry would return the first response.
   */
  readonly secretAnswer?: true;
  /**
   * The roles that permit its action. Default: for reads, every role; for writes and deletions of a project kind,
   * editors and admins; for an own verb of such a kind, also operators (`approve`: approvers instead); for all else,
   * admins. An operation of the organization requires the role there.
   */
  readonly roles?: readonly Role[];
  readonly http: HttpBinding;
}

/** A validated input. JSON has no undefined: a property with this value is the same as an absent one. */
type Exact<T> = T extends object ? { [K in keyof T]: Exact<Exclude<T[K], undefined>> } : T;
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** What a handler of an operation receives after validation, with defaults. */
export type InputOf<Op extends Pick<Operation, 'input'>> = Exact<z.output<Op['input']>>;
/** What a handler of an operation returns. */
export type OutputOf<Op extends Pick<Operation, 'output'>> = DeepReadonly<z.output<Op['output']>>;

/** Preserves the precise types of input and output. */
export function defineOperation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation;
}
