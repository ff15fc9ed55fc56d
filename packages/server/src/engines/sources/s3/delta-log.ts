/** The log of a Delta table: which files are its rows as of a version. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';

export interface DeltaCommit {
  readonly version: number;
  /** One action a line. */
  readonly text: string;
}

export interface DeltaSnapshot {
  readonly version: number;
  /** Below the table's own path. */
  readonly files: readonly string[];
}

/** What may stand there without changing which rows there are, or how the Parquet of them is read. */
const HARMLESS: ReadonlySet<string> = new Set([
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'identityColumns',
  'timestampNtz',
  'vacuumProtocolCheck',
  'v2Checkpoint',
  'domainMetadata',
  'inCommitTimestamp',
  'rowTracking',
]);

const action = z.looseObject({
  protocol: z.looseObject({ minReaderVersion: z.int(), readerFeatures: z.array(z.string()).nullish() }).nullish(),
  metaData: z
    .looseObject({
      partitionColumns: z.array(z.string()).default([]),
      format: z.looseObject({ provider: z.string() }).nullish(),
      configuration: z.record(z.string(), z.string().nullable()).nullish(),
    })
    .nullish(),
  add: z.looseObject({ path: z.string(), deletionVector: z.unknown().optional() }).nullish(),
  remove: z.looseObject({ path: z.string() }).nullish(),
});

const NAME = /(?:^|\/)_delta_log\/(\d{20})\.json$/;

/** The version that a file of the log makes; undefined for what is no commit. */
export function commitVersionOf(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * The commits that make up a version, by their numbers, oldest first.
 * @throws DaisError `not_found`, and `invalid_state` when the log does not go back to the beginning.
 */
export function commitsOf(table: string, known: readonly number[], wanted: number | undefined): readonly number[] {
  const found = known.toSorted((a, b) => a - b);
  const last = wanted ?? found.at(-1);
  if (last === undefined) throw new DaisError('not_found', `${table} is no Delta table: it has no _delta_log.`);
  if (!found.includes(last)) throw new DaisError('not_found', `The Delta table ${table} has no version ${last}.`);
  const commits = found.filter((version) => version <= last);
  if (commits.length !== last + 1) {
    const first = commits.find((version, at) => version !== at) ?? 0;
    throw new DaisError(
      'invalid_state',
      `The log of the Delta table ${table} lacks commits before version ${first}: they are in a checkpoint, which is not read. Copy the table (a deep clone begins a log of its own), or name its files by a glob.`,
    );
  }
  return commits;
}

/** @throws DaisError `invalid_state` for what is not read, saying what to change; `upstream_failed` for a broken log. */
export function replay(table: string, commits: readonly DeltaCommit[]): DeltaSnapshot {
  const files = new Set<string>();
  for (const { version, text } of commits) {
    const where = `Version ${version} of the Delta table ${table}`;
    for (const line of text.split('\n')) {
      if (line.trim() === '') continue;
      const { protocol, metaData, add, remove } = readAction(line, where);
      if (protocol) requireProtocol(where, protocol);
      if (metaData) requireMetaData(where, metaData);
      if (add) {
        if (add.deletionVector !== undefined && add.deletionVector !== null) {
          throw refused(where, 'has deletion vectors', 'Run REORG TABLE … APPLY (PURGE) first.');
        }
        files.add(pathOf(add.path, where));
      }
      if (remove) files.delete(pathOf(remove.path, where));
    }
  }
  return { version: commits.at(-1)?.version ?? 0, files: [...files].toSorted() };
}

function readAction(line: string, where: string): z.output<typeof action> {
  try {
    return action.parse(JSON.parse(line));
  } catch {
    throw new DaisError('upstream_failed', `${where} has a line in its log that is no action.`);
  }
}

type Action = z.output<typeof action>;

function requireProtocol(where: string, protocol: NonNullable<Action['protocol']>): void {
  const { minReaderVersion, readerFeatures } = protocol;
  const strange = (readerFeatures ?? []).filter((feature) => !HARMLESS.has(feature));
  if (minReaderVersion === 1 || (minReaderVersion === 3 && strange.length === 0)) return;
  const what = strange.length > 0 ? `needs ${strange.join(', ')}` : `needs readers of version ${minReaderVersion}`;
  throw refused(where, what, 'Write a copy without them.');
}

function requireMetaData(where: string, { partitionColumns, format, configuration }: NonNullable<Action['metaData']>) {
  if (partitionColumns.length > 0) {
    const columns = partitionColumns.join(', ');
    throw refused(
      where,
      `is partitioned by ${columns}, which its files do not hold`,
      'Write a copy without partitions.',
    );
  }
  const mapping = configuration?.['delta.columnMapping.mode'] ?? 'none';
  if (mapping !== 'none') throw refused(where, `maps columns by ${mapping}`, 'Write a copy without the mapping.');
  const provider = format?.provider ?? 'parquet';
  if (provider !== 'parquet') throw refused(where, `is written as ${provider}`, 'Write it as Parquet.');
}

/** Paths are URIs, and relative to the table unless it was cloned without its bytes. */
function pathOf(path: string, where: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/')) {
    throw refused(where, 'has files outside of the table', 'Make a deep clone of it.');
  }
  return decodeURIComponent(path);
}

function refused(where: string, what: string, remedy: string): DaisError {
  return new DaisError('invalid_state', `${where} ${what}: that is not read. ${remedy}`);
}
