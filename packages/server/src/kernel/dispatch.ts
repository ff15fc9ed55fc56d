import { DaisError, schemaIssues, storableIssues, type Operation, type OperationTarget } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { withSignal, type CallContext } from '#kernel/context.ts';
import type { Call, OperationEntry } from '#kernel/entry.ts';
import { withIdempotency } from '#kernel/idempotency.ts';
import type { Authorizer, Permit } from '#kernel/principal.ts';
import { targetKey } from '#kernel/references.ts';
import { visibleError } from '#kernel/refusal.ts';
import { DEFAULT_TENANT, ORGANIZATION, type Tenant, type TenantDirectory } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { Coalescer, type Settled } from '#lib/concurrency/coalesce.ts';

export interface DispatcherDependencies {
  readonly database: Database;
  readonly authorizer: Authorizer;
  readonly tenants: TenantDirectory;
  readonly entries: readonly OperationEntry[];
}

/**
 * The single entry point. Every adapter calls it with the name of an operation: it validates the input, resolves the
 * project, calls the authorizer and opens the transaction.
 */
export class Dispatcher {
  readonly #options: DispatcherDependencies;
  readonly #entries: ReadonlyMap<string, OperationEntry>;
  /** By operation and tenant. 100 reads share a transaction at most, so that none waits long for the others. */
  readonly #shared = new Coalescer<SharedItem, unknown>(100, (_key, items) => this.#shareReads(items));

  constructor(options: DispatcherDependencies) {
    this.#options = options;
    this.#entries = new Map(options.entries.map((entry) => [entry.operation.name, entry]));
    if (this.#entries.size !== options.entries.length) throw new Error('two operations have the same name');
  }

  get operations(): readonly Operation[] {
    return this.#options.entries.map((entry) => entry.operation);
  }

  /** @throws DaisError of any code of the catalog. */
  async call(name: string, rawInput: unknown, context: CallContext): Promise<unknown> {
    return await this.#recorded(() => this.#call(name, rawInput, context));
  }

  /** Opens a stream: the caller is authorized first, then frames follow until its signal aborts. */
  async watch(name: string, rawInput: unknown, context: CallContext): Promise<AsyncIterable<unknown>> {
    return await this.#recorded(() => this.#watch(name, rawInput, context));
  }

  async #recorded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.#options.authorizer.ended?.(error);
      throw error;
    }
  }

  async #call(name: string, rawInput: unknown, context: CallContext): Promise<unknown> {
    const { operation, handling } = this.#entry(name);
    if ('stream' in handling) throw new Error(`${name} is a stream: use watch`);
    const input = parseInput(operation, rawInput);
    const tenantName = this.#tenantName(operation, input, context);
    if ('share' in handling) {
      const { share } = handling;
      return await this.#shared.run(`${name}/${tenantName}`, { operation, share, input, context, tenantName });
    }
    if ('perform' in handling) return await handling.perform(await this.#admit(operation, input, context, tenantName));
    return await transact(
      this.#options.database,
      { mode: operation.mode === 'write' ? 'write' : 'read', projectId: this.#startIn(tenantName), by: context },
      async (tx) => {
        const tenant = await this.#enter(tx, operation, tenantName);
        const { ask, call, wasAuthorized } = this.#makeCall(tx, operation, input, context, tenant);
        const permit = operation.target === undefined ? {} : await ask(operation.target(input), tenant);
        const work = async () => {
          const output = await handling(tx, permitted(call, permit)).catch(async (error: unknown) => {
            throw await visibleError(call, tx, error);
          });
          // An output without an authorization check must not be returned: it is an internal error.
          if (!wasAuthorized()) throw new Error(`${name} returned a result without an authorization check`);
          return output;
        };
        const key = operation.secretAnswer === true ? undefined : context.idempotencyKey;
        const requested = { operation: name, input, tenant };
        return await (tx.writable && key !== undefined ? withIdempotency(tx, { key, ...requested }, work) : work());
      },
    );
  }

  /** Answers reads of one operation and tenant together. Each is authorized for itself. */
  async #shareReads(items: readonly SharedItem[]): Promise<readonly Settled<unknown>[]> {
    const first = items[0];
    if (first === undefined) return [];
    const { operation, share, tenantName } = first;
    const { prelude } = this.#options.authorizer;
    const request = { mode: 'read', projectId: this.#startIn(tenantName), prelude } as const;
    return await transact(this.#options.database, request, async (tx) => {
      const tenant = await this.#enter(tx, operation, tenantName);
      const made = items.map(({ input, context }) => this.#makeCall(tx, operation, input, context, tenant));
      // Read first, so that a decision that needs only the prelude costs no extra round trip; a denied caller never
      // receives this result.
      const calls = made.map(({ call }) => call);
      const answers = await share(tx, calls);
      const settled: Settled<unknown>[] = [];
      for (const [index, { ask }] of made.entries()) {
        try {
          await ask(operation.target?.(items[index]?.input) ?? { kind: '' }, tenant);
          settled.push(answers[index] ?? { error: new Error(`${operation.name} returned too few results`) });
        } catch (error) {
          // A database that fails has failed for all.
          if (!(error instanceof DaisError) || error.retryable) throw error;
          settled.push({ error });
        }
      }
      return settled;
    });
  }

  #startIn(tenantName: string): string {
    return this.#options.tenants.cached(tenantName)?.id ?? ORGANIZATION;
  }

  async #watch(name: string, rawInput: unknown, context: CallContext): Promise<AsyncIterable<unknown>> {
    const { operation, handling } = this.#entry(name);
    if (!('stream' in handling)) throw new Error(`${name} is not a stream: use call`);
    const input = parseInput(operation, rawInput);
    return handling.stream(await this.#admit(operation, input, context, this.#tenantName(operation, input, context)));
  }

  /** Authorizes work that continues after this transaction. */
  async #admit(operation: Operation, input: unknown, context: CallContext, tenantName: string): Promise<Call> {
    const request = { mode: 'read', projectId: this.#startIn(tenantName), by: context } as const;
    return await transact(this.#options.database, request, async (tx) => {
      const tenant = await this.#enter(tx, operation, tenantName);
      if (operation.target === undefined) throw new Error(`${operation.name} has no target`);
      const { ask, call } = this.#makeCall(tx, operation, input, context, tenant);
      const permit = await ask(operation.target(input), tenant);
      // The transaction is over; each further check opens a separate one.
      const made = [operation, input, context, tenant] as const;
      const authorize: Call['authorize'] = async (...requested) =>
        await transact(this.#options.database, request, (next) =>
          this.#makeCall(next, ...made).call.authorize(...requested),
        );
      const signal = permit.until === undefined ? context.signal : AbortSignal.any([context.signal, permit.until]);
      return permitted({ ...call, authorize, context: withSignal(context, signal) }, permit);
    });
  }

  #entry(name: string): OperationEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`no operation ${name}`);
    return entry;
  }

  /** @throws DaisError `project_mismatch` when the request names two. */
  #tenantName(operation: Operation, input: unknown, context: CallContext): string {
    if (operation.scope === 'org') return '';
    const fromBody = (input as { manifest?: { metadata?: { project?: string } } }).manifest?.metadata?.project;
    const named = new Set([
      ...context.projects,
      ...(fromBody === undefined ? [] : [fromBody]),
      ...(context.principal.project === undefined ? [] : [context.principal.project]),
    ]);
    if (named.size > 1) {
      throw new DaisError('project_mismatch', `Conflicting projects: ${[...named].toSorted().join(' and ')}.`);
    }
    return [...named][0] ?? DEFAULT_TENANT;
  }

  async #enter(tx: Transaction, operation: Operation, tenantName: string): Promise<Tenant> {
    if (operation.scope === 'org') return { id: ORGANIZATION, name: '' };
    const tenant = await this.#options.tenants.resolve(tx.sql, tenantName);
    await tx.enter(tenant.id);
    return tenant;
  }

  #makeCall(tx: Transaction, operation: Operation, input: unknown, context: CallContext, tenant: Tenant) {
    let requested = operation.target !== undefined;
    const ask = async (target: OperationTarget, of: Tenant, action?: string): Promise<Permit> => {
      requested = true;
      // Otherwise row-level security would hide the target, and policies would decide as if it were missing.
      await tx.enter(of.id);
      const { principal, requestId, client } = context;
      const { mode, scope } = operation;
      // A public operation grants no further actions.
      const done = action === undefined ? operation : { name: operation.name, mode, scope, action };
      const question = { principal, requestId, ...(client !== undefined && { client }) };
      const permit = await this.#options.authorizer.authorize(
        { ...question, operation: done, target, projectId: of.id, project: of.name },
        tx,
      );
      tx.decided(permit.decision);
      for (const { kind, name, error } of permit.unseen ?? [])
        tx.unseen.set(targetKey({ projectId: of.id, kind, name }), error);
      return permit;
    };
    const call: Call = { input, context, tenant, authorize: async (...requested) => void (await ask(...requested)) };
    return { ask, call, wasAuthorized: () => requested };
  }
}

interface SharedItem {
  readonly operation: Operation;
  readonly share: Extract<OperationEntry['handling'], { readonly share: unknown }>['share'];
  readonly input: unknown;
  readonly context: CallContext;
  readonly tenantName: string;
}

function permitted(call: Call, { rows }: Permit): Call {
  return rows === undefined ? call : { ...call, rows };
}

function parseInput(operation: Operation, raw: unknown): unknown {
  const unstorable = storableIssues(raw);
  const result = operation.input.safeParse(raw);
  if (result.success && unstorable.length === 0) return asAuthored(result.data, raw);
  const wrong = result.success ? [] : schemaIssues(result.error, operation.input, raw);
  throw new DaisError('invalid_request', `The input of ${operation.name} is not valid.`, {
    issues: [...unstorable, ...wrong.filter((issue) => !unstorable.some((one) => one.path === issue.path))],
  });
}

/** A manifest is stored as written: defaults are applied at reads. */
function asAuthored(data: unknown, raw: unknown): unknown {
  const { manifest } = raw as { manifest?: unknown };
  return manifest === undefined ? data : { ...(data as object), manifest };
}
