/** Runs the checks of a version. Checks that gate the version fail closed: an error of a check does not pass. */
import { DaisError, type DatasetSpec } from '@dais/api';
import { type DatasetVersion, type Expectation, type ExpectationResult } from '@dais/api/data';
import type { FileTable } from '#engines/query/contract.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { startCheck, endCheck, type DueCheck } from './check-rows.ts';
import { CheckQueries } from './checks/check-queries.ts';
import type { OtherVersion } from './checks/check-context.ts';
import { runChecks } from './checks/run-checks.ts';
import type { QualityDependencies, Versions } from './quality-dependencies.ts';

const CHECK_QUEUE = 'dataset-check';

export function enqueueCheck(tx: Transaction, id: string): void {
  tx.enqueue({ queue: CHECK_QUEUE, projectId: tx.projectId, payload: { check: id }, uniqueKey: id, maxAttempts: 5 });
}

export function checkHandler(dependencies: QualityDependencies): JobHandler {
  return {
    queue: CHECK_QUEUE,
    concurrency: 2,
    perProject: 2,
    retry: { baseMs: 1000, capMs: 60_000 },
    async run({ payload, projectId }, io) {
      const due = await io.write(async (tx) => await startCheck(tx.sql, String(payload['check'])));
      if (due === undefined) return { checked: false };
      const startedAt = dependencies.now();
      try {
        const results = await checkVersion(dependencies, due, projectId, io);
        const seconds = (dependencies.now() - startedAt) / 1000;
        await io.write(async (tx) => await conclude(tx, dependencies, due, { results, seconds }));
        return { checked: true, seconds };
      } catch (error) {
        if (error instanceof DaisError && !error.retryable && !io.signal.aborted) throw new JobFailed(error.message);
        throw error;
      }
    },
    // The last attempt failed: an unknown result must not pass.
    async ended(tx, { payload, projectId }, end) {
      if (end.state === 'succeeded') return;
      await tx.enter(projectId);
      const id = String(payload['check']);
      const due = await startCheck(tx.sql, id);
      if (due === undefined) return;
      await conclude(tx, dependencies, due, {
        results: [],
        seconds: 0,
        message: end.error ?? 'The checks were canceled.',
      });
    },
  };
}

interface Conclusion {
  readonly results: readonly ExpectationResult[];
  readonly seconds: number;
  /** Why the checks could not run. */
  readonly message?: string;
}

async function conclude(
  tx: Transaction,
  { now, versions }: QualityDependencies,
  due: DueCheck,
  conclusion: Conclusion,
): Promise<void> {
  const { results, message } = conclusion;
  const blocking = results.filter(({ outcome, severity }) => outcome !== 'passed' && severity === 'block');
  const state = message !== undefined ? 'error' : blocking.length > 0 ? 'failed' : 'passed';
  const ended = await endCheck(tx.sql, due.id, { ...conclusion, state, now: now() });
  if (!ended || !due.gate) return;
  const { state: before } = await versions.read(tx, due.version);
  // The version was deleted or is broken: there is nothing to decide.
  if (before !== 'building') return;
  if (state === 'passed') await versions.decide(tx, due.version, 'ready', { now: now() });
  else await versions.decide(tx, due.version, 'quarantined', { now: now(), reason: message ?? reasonOf(blocking) });
}

/** Returns a summary such as `Failed: completeness(age), unique(id).` */
function reasonOf(blocking: readonly ExpectationResult[]): string {
  const names = blocking.slice(0, 5).map(({ name, findings, message }) => {
    const first = findings[0];
    if (message !== undefined) return `${name} (${message})`;
    return first === undefined ? name : `${name} (${first.observed})`;
  });
  const more = blocking.length > 5 ? ` and ${blocking.length - 5} more` : '';
  return `Failed: ${names.join('; ')}${more}.`.slice(0, 2000);
}

interface Known {
  readonly version: DatasetVersion;
  readonly spec: DatasetSpec;
  readonly before: DatasetVersion | undefined;
  readonly others: ReadonlyMap<string, DatasetVersion>;
}

async function checkVersion(
  { query, now, log, versions }: QualityDependencies,
  due: DueCheck,
  owner: string,
  io: JobIo,
): Promise<readonly ExpectationResult[]> {
  const { version, spec, before, others } = await io.read(async (tx) => await readKnown(tx, versions, due));
  const engine = await query();
  const tables: { readonly name: string; readonly version: DatasetVersion }[] = [{ name: 'data', version }];
  const tableFor = (other: DatasetVersion): OtherVersion => {
    const existing = tables.find((one) => one.version.id === other.id);
    const name = existing?.name ?? `other${tables.length}`;
    if (existing === undefined) tables.push({ name, version: other });
    return { table: name, name: `${other.dataset}@${other.number}`, columns: other.schema.columns, rows: other.rows };
  };
  const earlier = before === undefined ? undefined : tableFor(before);
  const named = new Map([...others].map(([reference, other]) => [reference, tableFor(other)]));
  const total = due.expectations.length;
  io.progress({ version: version.id, expectations: total });
  return await withTables(versions, tables, async (files) => {
    const progress = (progressed: unknown) =>
      io.progress({ version: version.id, expectations: total, ...(progressed as object) });
    const queries = new CheckQueries(engine, files, { owner, signal: io.signal, progress });
    const context = {
      columns: version.schema.columns,
      rows: version.rows,
      createdAt: version.createdAt,
      keys: version.keys,
      eventTime: version.eventTime,
      label: version.label,
      pinned: spec.columns,
      before: earlier,
      others: named,
      queries,
      unexpected: (error: unknown) =>
        log.error('a quality check failed with an internal error', { version: version.id, error, at: now() }),
    };
    return await runChecks(due.expectations, context, io.signal);
  });
}

async function readKnown(tx: Transaction, versions: Versions, due: DueCheck): Promise<Known> {
  const version = await versions.read(tx, due.version);
  const spec = await versions.spec(tx, version.dataset);
  const needsPrevious = due.expectations.some(
    (one) => one.type === 'rowCountChange' || (one.type === 'drift' && one.against === 'previous'),
  );
  const before = needsPrevious ? await versions.previous(tx, version.dataset, version.number) : undefined;
  const others = new Map<string, DatasetVersion>();
  for (const reference of due.expectations.flatMap(referencesOf)) {
    if (others.has(reference)) continue;
    // A missing version makes only the expectation that names it an error.
    const found = await versions.resolve(tx, reference).catch(refusedAsAbsent);
    if (found !== undefined && found.state === 'ready' && found.mode === 'managed') others.set(reference, found);
  }
  return { version, spec, before, others };
}

function refusedAsAbsent(error: unknown): undefined {
  if (error instanceof DaisError && !error.retryable) return undefined;
  throw error;
}

/** Returns the versions that an expectation names. */
function referencesOf(expectation: Expectation): readonly string[] {
  switch (expectation.type) {
    case 'reference':
      return [expectation.in];
    case 'drift':
      return expectation.against === 'previous' ? [] : [expectation.against];
    case 'servingSkew':
      return [expectation.serving];
    case 'splitOverlap':
      return expectation.with === undefined ? [] : [expectation.with];
    default:
      return [];
  }
}

/** Keeps the files of all versions available until `work` has ended. */
async function withTables<T>(
  versions: Versions,
  references: readonly { readonly name: string; readonly version: DatasetVersion }[],
  work: (tables: Readonly<Record<string, FileTable>>) => Promise<T>,
  found: Readonly<Record<string, FileTable>> = {},
): Promise<T> {
  const [first, ...rest] = references;
  if (first === undefined) return await work(found);
  return await versions.withTable(
    first.version,
    async (table) => await withTables(versions, rest, work, { ...found, [first.name]: table }),
  );
}
