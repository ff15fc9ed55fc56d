import { DaisError, findKind, type Change, type DaisClient, type Resource } from '@dais/api';
import type { Context } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { readinessOf } from '#manifests/readiness.ts';
import { remark } from '#output/result.ts';
import { printable } from '#output/width.ts';

/** A pending resource, and why it is not ready. */
interface Pending {
  readonly change: Change;
  reason: string;
}

/**
 * Waits until every change is complete: created and changed resources are ready, deleted ones are gone. Prints
 * progress; exit code 8 on a timeout.
 */
export async function waitUntilReady(
  context: Context,
  client: DaisClient,
  changes: readonly Change[],
  timeoutMs: number,
): Promise<ExitCode> {
  const wait = new Wait(context, changes);
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([deadline, context.signal]);
  const groups = groupBy(changes);
  try {
    await Promise.all(
      [...groups.values()].map((group) => {
        const [first] = group;
        const own = first?.project === undefined ? client : client.withProject(first.project);
        return waitForGroup(wait, own, group, signal);
      }),
    );
    return exitCodes.ok.code;
  } catch (error) {
    if (!deadline.aborted || context.signal.aborted) throw error;
    wait.reportPending();
    return exitCodes.timedOut.code;
  } finally {
    context.terminal.progress('');
  }
}

/** By kind and project: one watch each. */
function groupBy(changes: readonly Change[]): ReadonlyMap<string, readonly Change[]> {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.kind, change.project]);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return groups;
}

async function waitForGroup(
  wait: Wait,
  client: DaisClient,
  group: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const kind = group[0]?.kind ?? '';
  for (;;) {
    try {
      // Watched from a position before the reads, so that no change is missed.
      const { resourceVersion } = await client.listPage(kind, { limit: 1 }, { signal });
      for (const change of group) wait.see(change, await getOrGone(client, change, signal));
      if (!wait.has(group)) return;
      for await (const event of client.watch(kind, {}, { resourceVersion, signal })) {
        if (event.type === 'bookmark') continue;
        const change = group.find((one) => one.name === event.object.metadata.name);
        if (change !== undefined) wait.see(change, event.type === 'deleted' ? undefined : event.object);
        if (!wait.has(group)) return;
      }
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'cursor_expired') throw error;
    }
  }
}

async function getOrGone(client: DaisClient, change: Change, signal: AbortSignal): Promise<Resource | undefined> {
  try {
    return await client.get(change.kind, change.name, { signal });
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  }
}

class Wait {
  readonly #context: Context;
  readonly #pending: Map<Change, Pending>;
  readonly #total: number;

  constructor(context: Context, changes: readonly Change[]) {
    this.#context = context;
    this.#pending = new Map(changes.map((change) => [change, { change, reason: 'not processed yet' }]));
    this.#total = changes.length;
  }

  has(group: readonly Change[]): boolean {
    return group.some((change) => this.#pending.has(change));
  }

  /** `undefined`: it does not exist. */
  see(change: Change, resource: Resource | undefined): void {
    const pending = this.#pending.get(change);
    if (pending === undefined) return;
    const reason = whyNot(change, resource);
    if (reason === undefined) {
      this.#pending.delete(change);
      if (!this.#context.terminal.showsProgress) {
        remark(this.#context, `${nameOf(change)} is ${change.action === 'delete' ? 'deleted' : 'ready'}.`);
      }
    } else pending.reason = reason;
    this.#show();
  }

  reportPending(): void {
    for (const { change, reason } of this.#pending.values()) {
      const what = change.action === 'delete' ? 'not deleted yet' : 'not ready';
      this.#context.terminal.err(`${nameOf(change)} is ${what}: ${printable(reason)}\n`);
    }
  }

  #show(): void {
    const [first] = this.#pending.values();
    if (first === undefined || this.#context.globals.quiet) return;
    const done = this.#total - this.#pending.size;
    this.#context.terminal.progress(
      `${done} of ${this.#total} ready; ${nameOf(first.change)}: ${printable(first.reason)}`,
    );
  }
}

function nameOf(change: Change): string {
  return `${change.kind} ${printable(change.name)}`;
}

/** Undefined: the change is complete. */
function whyNot(change: Change, resource: Resource | undefined): string | undefined {
  if (change.action === 'delete') {
    if (resource === undefined) return undefined;
    const holders = resource.metadata.finalizers ?? [];
    return holders.length === 0 ? 'the resource is being deleted' : `waiting for ${holders.join(', ')}`;
  }
  if (resource === undefined) return 'the resource was deleted meanwhile';
  const readiness = readinessOf(resource, change.generation ?? 0, reportsReady(change.kind));
  return readiness.state === 'ready' ? undefined : readiness.reason;
}

/** Kinds whose controller reports a state have it among their columns. */
function reportsReady(kind: string): boolean {
  return findKind(kind)?.columns.some((column) => column.path === 'status.conditions[Ready]') === true;
}
