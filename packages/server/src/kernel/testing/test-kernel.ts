/** A real kernel on a real, separate database. */
import { randomUUID } from 'node:crypto';
import type { Change, Resource } from '@dais/api';
import { checkOutputs } from '#control/check-outputs.ts';
import { startTestDatabase, type TestDatabase, type TestServerOptions } from '#engines/database/testing.ts';
import type { CallContext } from '#kernel/context.ts';
import { Kernel, type KernelDependencies } from '#kernel/kernel.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { SYSTEM, type Principal } from '#kernel/principal.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { project } from '#kinds/project/index.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log, LogFields } from '#lib/log.ts';
import { soloAuthorizer } from '#policy/solo-authorizer.ts';
import { tableWorld, workshopSlice } from './machine-controller.ts';
import { fleet, machine, part } from './test-kinds.ts';

export const OWNER: Principal = { type: 'user', id: 'owner' };

/** A database with the tables of the kernel and of the workshop; shared by the kernels of one test file. */
export async function startKernelDatabase(options?: TestServerOptions): Promise<TestDatabase> {
  return await startTestDatabase([kernelSlice, workshopSlice], options);
}

export const testKinds: readonly KindDefinition[] = [project, fleet, part, machine({ world: tableWorld() })];

export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface TestKernelOptions extends Partial<Omit<KernelDependencies, 'log'>> {
  /** `controller` (default) runs every loop, `api` only what answers requests, `none` nothing. */
  readonly start?: 'controller' | 'api' | 'none';
}

export interface TestKernel {
  readonly kernel: Kernel;
  readonly log: LogEntry[];
  /** Calls an operation as the owner. */
  call<Output = Resource>(name: string, input: unknown, context?: Partial<CallContext>): Promise<Output>;
  watch<Frame = WatchFrame>(
    name: string,
    input: unknown,
    context?: Partial<CallContext>,
  ): Promise<AsyncIterable<Frame>>;
  /** Applies text (or manifests) and returns the changes. */
  apply(documents: string | readonly object[], options?: object, context?: Partial<CallContext>): Promise<Change[]>;
  plan(documents: string | readonly object[], options?: object, context?: Partial<CallContext>): Promise<Change[]>;
  /** A transaction of the platform itself, over all tenants. */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export interface WatchFrame {
  readonly type: 'added' | 'modified' | 'deleted' | 'bookmark';
  readonly resourceVersion: string;
  readonly object?: Resource;
}

export async function startTestKernel(test: TestDatabase, options: TestKernelOptions = {}): Promise<TestKernel> {
  const { start = 'controller', ...rest } = options;
  const log: LogEntry[] = [];
  const database = rest.database ?? test.database;
  const kernel = new Kernel({
    kinds: testKinds,
    authorizer: soloAuthorizer,
    wrapEntry: checkOutputs,
    holder: randomUUID(),
    random: seededRandom(1),
    clock: systemClock,
    log: keepingLog(log),
    server: () => ({
      version: '0.1.0',
      mode: 'solo',
      database: { engine: 'embedded', version: '17' },
      startedAt: new Date(0).toISOString(),
    }),
    ...rest,
    database,
  });
  await kernel.bootstrap();
  if (start !== 'none') await kernel.start({ controller: start === 'controller' });
  const contextOf = (context: Partial<CallContext> = {}): CallContext => ({
    principal: OWNER,
    requestId: randomUUID(),
    origin: 'manifest',
    projects: [],
    signal: new AbortController().signal,
    ...context,
  });
  const call = async <Output>(name: string, input: unknown, context?: Partial<CallContext>) =>
    (await kernel.dispatcher.call(name, input, contextOf(context))) as Output;
  const changes = async (
    name: string,
    documents: string | readonly object[],
    more = {},
    context?: Partial<CallContext>,
  ) => {
    const text =
      typeof documents === 'string' ? documents : documents.map((one) => JSON.stringify(one)).join('\n---\n');
    const input = { sources: [{ file: 'test.yaml', text }], ...more };
    return (await call<{ changes: Change[] }>(name, input, context)).changes;
  };
  return {
    kernel,
    log,
    call,
    watch: async <Frame>(name: string, input: unknown, context?: Partial<CallContext>) =>
      (await kernel.dispatcher.watch(name, input, contextOf(context))) as AsyncIterable<Frame>,
    apply: (documents, more, context) => changes('platform.apply', documents, more, context),
    plan: (documents, more, context) => changes('platform.plan', documents, more, context),
    write: (work) =>
      transact(database, { mode: 'write', projectId: 'all', by: { principal: SYSTEM, origin: 'manifest' } }, work),
    stop: () => kernel.stop(),
  };
}

/** A manifest as a person would write it. */
export function manifest(
  kind: string,
  name: string,
  spec: object = {},
  metadata: object = {},
): Record<string, unknown> {
  return { apiVersion: 'dais.dev/v1', kind, metadata: { name, ...metadata }, spec };
}

/** The code of the DaisError that a call ends with; `ok` when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** mulberry32: the same numbers for the same seed, in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function keepingLog(kept: LogEntry[]): Log {
  const keep = (level: string) => (message: string, fields?: LogFields) => void kept.push({ level, message, fields });
  return { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
