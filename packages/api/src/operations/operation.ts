import type { z } from 'zod';
import type { Role } from '#kinds/role-binding.ts';

/** What an operation acts on; what policies and audit speak of. */
export interface OperationTarget {
  readonly kind: string;
  /** Absent when the whole collection is meant. */
  readonly name?: string;
  /** Absent for kinds of the organization, and for “the project of the request”. */
  readonly project?: string;
  /** What a write would make of it: policies look at it beside what is there. */
  readonly desired?: DesiredState;
  /**
   * The version that the operation puts forward: facts are about it. `null`: it puts none forward. Absent: facts are about
   * the present state.
   */
  readonly version?: string | null;
  /** The alias that the version is to get. */
  readonly alias?: string;
  /** The stage that the version is to enter. */
  readonly stage?: string;
}

/** The part of a manifest that policies can look at before it is written. */
export interface DesiredState {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** How the native REST interface reaches an operation. Foreign protocols have their own tables. */
export interface HttpBinding {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `:name` parts become input fields, URL-decoded. */
  readonly path: `/api/v1/${string}` | `/auth/${string}` | `/transfer/${string}`;
  /** Status of a success. */
  readonly status: 200 | 201 | 202;
  /** The input field that is the whole body; without it the body's fields are input fields themselves. */
  readonly bodyField?: string;
  /** Input fields that come from the query string. */
  readonly query?: readonly string[];
  /** The input field that is the whole query string as it stands: for callers that add parameters of their own. */
  readonly queryField?: string;
  /** The input field that If-Match fills. */
  readonly ifMatchField?: string;
  /** Input fields that cookies fill, by the cookie's name without `__Host-`; below `/auth/` only. */
  readonly cookies?: Readonly<Record<string, string>>;
  /** The input field that the header `Dais-Ticket` fills; below `/transfer/` only. */
  readonly ticketField?: string;
  /** The output field that an upload also returns as `ETag`. */
  readonly etagField?: string;
  /**
   * `upload`: the body is bytes of any kind, which the handler reads as they come. `download`: the answer is bytes, whole
   * or a range of them; `output` then describes what the handler knows of them.
   */
  readonly content?: 'upload' | 'download';
  /** Of a download: it is HTML, and a browser shows it, in an origin of nobody and without a network. */
  readonly page?: true;
  /** The body may also be YAML, decoded by this name instead of JSON. */
  readonly yaml?: true;
}

/**
 * One thing that can be done, as data. Every door (HTTP, gRPC, foreign protocol, controller, job) reaches it through
 * the kernel's dispatcher, which validates the input, asks the authorizer and opens the transaction.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** `secret.get`: unique. */
  readonly name: string;
  /** `secret:read`: what policies permit. */
  readonly action: string;
  /** `watch` operations answer with a stream of `output`. */
  readonly mode: 'read' | 'write' | 'watch';
  readonly scope: 'org' | 'project';
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  /**
   * What it acts on. Undefined when only the handler can tell (many documents in one body): it must then authorize each
   * one itself, and the dispatcher refuses an answer for which nobody was asked.
   */
  readonly target?: (input: z.output<Input>) => OperationTarget;
  /**
   * Callers who have not said who they are may do it: signing in, and what leads there; and what its own input proves the
   * right to, by a ticket.
   */
  readonly public?: true;
  /**
   * Whoever has said who they are may do it for themselves, whatever their roles: its handler touches nothing of others.
   * The scopes of a token count here too.
   */
  readonly self?: true;
  /**
   * Its answer holds what is told this once, as a token, and is kept nowhere: it takes no Idempotency-Key, under which a
   * repetition is answered as the first was.
   */
  readonly secretAnswer?: true;
  /**
   * The roles that permit its action. Without it: what reads, every role; what writes or deletes a kind of a project,
   * editors and admins; an own verb of such a kind, operators too (`approve`: approvers instead); all else, admins. An
   * operation of the organization needs the role there.
   */
  readonly roles?: readonly Role[];
  readonly http: HttpBinding;
}

/** A validated input. JSON has no undefined: a property that holds it is the same as an absent one. */
type Exact<T> = T extends object ? { [K in keyof T]: Exact<Exclude<T[K], undefined>> } : T;
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** What a handler of an operation receives after validation, with defaults. */
export type InputOf<Op extends Pick<Operation, 'input'>> = Exact<z.output<Op['input']>>;
/** What a handler of an operation returns. */
export type OutputOf<Op extends Pick<Operation, 'output'>> = DeepReadonly<z.output<Op['output']>>;

/** Keeps the precise types of input and output. */
export function defineOperation<Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation;
}
