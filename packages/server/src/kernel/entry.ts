/** Pairs an operation with the function that performs it. The types of input and output come from the operation's schemas. */
import type { ActionSchemas, ActionVerb, InputOf, KindSpec, Operation, OperationTarget, OutputOf } from '@dais/api';
import type { Download } from '#kernel/content/download.ts';
import type { CallContext } from '#kernel/context.ts';
import type { RowFilter } from '#kernel/principal.ts';
import type { Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Settled } from '#lib/concurrency/coalesce.ts';

/** What a handler receives in addition to its transaction. */
export interface Call<Input = unknown> {
  readonly input: Input;
  readonly context: CallContext;
  /** The tenant of the request; the organization for operations of the organization. */
  readonly tenant: Tenant;
  /** The rows of the collection that the caller may see; absent: all of them. */
  readonly rows?: RowFilter;
  /**
   * Checks the permission of the caller for this operation's action (or `action`) on a further target. Only for
   * operations without a `target`.
   */
  authorize(target: OperationTarget, tenant: Tenant, action?: string): Promise<void>;
}

export type CallOf<Op extends Pick<Operation, 'input'>> = Call<InputOf<Op>>;

/** Handles one operation inside the transaction that it receives. */
type Handle<Input, Answer> = (tx: Transaction, call: Call<Input>) => Promise<Answer>;

type HandleOf<Op extends Pick<Operation, 'input' | 'output'>> = Handle<InputOf<Op>, OutputOf<Op>>;

/** The ways to handle an operation. */
type Handling<Input, Answer> =
  | Handle<Input, Answer>
  /** Does what must not hold a transaction (hashes, calls to others). It opens its own transaction when it writes. */
  | { readonly perform: (call: Call<Input>) => Promise<Answer> }
  /** A quick read: reads of one tenant that arrive while one is in progress share the next transaction. */
  | { readonly share: (tx: Transaction, calls: readonly Call<Input>[]) => Promise<readonly Settled<Answer>[]> }
  /** Opens a stream; it ends when the caller's signal aborts. */
  | { readonly stream: (call: Call<Input>) => AsyncIterable<Answer> };

export type HandlerOf<Op extends Operation, Answer = OutputOf<Op>> = Handling<InputOf<Op>, Answer>;
type FileOf<Op extends Operation> = Download & OutputOf<Op>;

/** Only the functions below make one, so that every handler fits its operation. */
const CHECKED = Symbol('checked');

export interface OperationEntry {
  readonly operation: Operation;
  readonly handling: Handling<unknown, unknown>;
  /** Returns the part of an answer that the output schema describes. */
  readonly described: (answer: unknown) => unknown;
  readonly checked: typeof CHECKED;
}

/** Pairs `operation` with its handler, whose result is the output. */
export function entry<Op extends Operation>(operation: Op, handling: HandlerOf<Op>): OperationEntry {
  return answerEntry<Op, OutputOf<Op>>(operation, handling, (answer) => answer);
}

/** Handles an operation that answers with bytes; its output describes them. */
export function downloadEntry<Op extends Operation>(
  operation: Op,
  handling: HandlerOf<Op, FileOf<Op>>,
): OperationEntry {
  return answerEntry<Op, FileOf<Op>>(operation, handling, (answer) => {
    // The schema of an output is strict: it has no `open`.
    return Object.fromEntries(Object.entries(answer).filter(([key]) => key !== 'open'));
  });
}

/** Pairs an operation with a handler whose result contains more than the output; `described` returns the output. */
export function answerEntry<Op extends Operation, Answer>(
  operation: Op,
  handling: HandlerOf<Op, Answer>,
  described: (answer: Answer) => unknown,
): OperationEntry {
  // The dispatcher calls the handler only with input that the operation's schema accepted, and `described` only with its
  // answers.
  return { operation, handling, described, checked: CHECKED } as unknown as OperationEntry;
}

/** The call of an action of a kind. */
export type ActionCall<Spec extends KindSpec, Verb extends ActionVerb<Spec>> = CallOf<ActionSchemas<Spec, Verb>>;

/** The handlers of a kind's own actions, by verb. */
export type KindActions = Readonly<Record<string, Handle<unknown, unknown>>>;

/** Pairs the actions of a kind with their handlers. */
export function kindActions<Spec extends KindSpec>(
  _spec: Spec,
  handlers: { readonly [Verb in ActionVerb<Spec>]: HandleOf<ActionSchemas<Spec, Verb>> },
): KindActions {
  // As above: each handler receives what the schema of its action has accepted.
  return handlers as unknown as KindActions;
}
