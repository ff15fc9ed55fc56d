/** Reads the log of a Delta table: the files of a version and their actions. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';

const deletionVector = z.looseObject({
  storageType: z.string(),
  pathOrInlineDv: z.string(),
  offset: z.int().min(0).nullish(),
  sizeInBytes: z.int().min(0),
  cardinality: z.int().min(0),
});
const action = z.looseObject({
  protocol: z.looseObject({ minReaderVersion: z.int(), readerFeatures: z.array(z.string()).nullish() }).nullish(),
  metaData: z
    .looseObject({
      schemaString: z.string(),
      partitionColumns: z.array(z.string()).default([]),
      format: z.looseObject({ provider: z.string().nullish() }).nullish(),
      configuration: z.record(z.string(), z.string().nullable()).nullish(),
    })
    .nullish(),
  add: z
    .looseObject({
      path: z.string(),
      partitionValues: z.record(z.string(), z.string().nullable()).nullish(),
      deletionVector: deletionVector.nullish(),
    })
    .nullish(),
  remove: z.looseObject({ path: z.string(), deletionVector: deletionVector.nullish() }).nullish(),
  sidecar: z.looseObject({ path: z.string() }).nullish(),
});

export type DeltaAction = z.output<typeof action>;
export type DeltaProtocol = NonNullable<DeltaAction['protocol']>;
export type DeltaMetaData = NonNullable<DeltaAction['metaData']>;
export type DeltaDeletions = z.output<typeof deletionVector>;

export interface DeltaFile {
  /** Relative to the table. */
  readonly path: string;
  readonly partition: Readonly<Record<string, string | null>>;
  readonly deletions: DeltaDeletions | undefined;
}

export interface DeltaSnapshot {
  readonly version: number;
  readonly protocol: DeltaProtocol;
  readonly metaData: DeltaMetaData;
  /** In path order. */
  readonly files: readonly DeltaFile[];
}

/** The log files of a version. */
export interface DeltaLogPlan {
  readonly version: number;
  /** File names of its checkpoint. */
  readonly checkpoint: readonly string[];
  /** Names of the commits after the checkpoint, by version, oldest first. */
  readonly commits: ReadonlyMap<number, string>;
}

interface Checkpoint {
  readonly version: number;
  readonly names: readonly string[];
}

const COMMIT = /(?:^|\/)_delta_log\/(\d{20})\.json$/;
const CHECKPOINT =
  /(?:^|\/)_delta_log\/(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10})|\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?\.(parquet|json)$/;

/** Returns whether a file defines a version. */
export function isLogFile(name: string): boolean {
  return COMMIT.test(name) || CHECKPOINT.test(name);
}

/**
 * Finds the newest checkpoint before a version, and the commits since. `names`: files of the log. @throws DaisError
 * `not_found`, and `invalid_state` when the log is incomplete.
 */
export function planLog(table: string, names: readonly string[], requested: number | undefined): DeltaLogPlan {
  const commits = new Map(
    names.flatMap((name): [number, string][] => {
      const digits = COMMIT.exec(name)?.[1];
      return digits === undefined ? [] : [[Number(digits), name]];
    }),
  );
  const checkpoints = checkpointsOf(names);
  const known = [...commits.keys(), ...checkpoints.map(({ version }) => version)];
  const newest = known.reduce((most, version) => Math.max(most, version), -1);
  if (newest === -1) throw new DaisError('not_found', `${table} is not a Delta table: it has no _delta_log.`);
  const last = requested ?? newest;
  if (last > newest) throw new DaisError('not_found', `The Delta table ${table} has no version ${last}.`);
  // The commits before it without a gap.
  let first = last + 1;
  while (commits.has(first - 1)) first -= 1;
  const start = checkpoints.find(({ version }) => version <= last && version >= first - 1);
  if (start === undefined && first > 0) {
    const oldest = oldestOf(commits, checkpoints);
    const from = oldest === undefined ? 'no version can be read' : `${oldest} is the oldest readable version`;
    const detail = `Version ${last} of the Delta table ${table} is no longer available: its log was cleaned up, and ${from}.`;
    throw new DaisError('not_found', detail);
  }
  const from = start === undefined ? 0 : start.version + 1;
  const after = Array.from({ length: last - from + 1 }, (_, at): [number, string] => [
    from + at,
    commits.get(from + at) ?? '',
  ]);
  return { version: last, checkpoint: start?.names ?? [], commits: new Map(after) };
}

/** Complete checkpoints, the newest first. */
function checkpointsOf(names: readonly string[]): readonly Checkpoint[] {
  const found = new Map<string, { version: number; parts: number; names: string[] }>();
  for (const name of names) {
    const [, digits, , parts, format] = CHECKPOINT.exec(name) ?? [];
    if (digits === undefined) continue;
    // Parts of a multi-part checkpoint contain their number; any other file is a separate checkpoint.
    const key = parts === undefined ? name : `${digits} ${parts}`;
    if (parts !== undefined && format === 'json') continue;
    const one = found.get(key) ?? { version: Number(digits), parts: Number(parts ?? 1), names: [] };
    one.names.push(name);
    found.set(key, one);
  }
  return [...found.values()]
    .filter((one) => one.names.length === one.parts)
    .map((one) => ({ version: one.version, names: one.names.toSorted() }))
    .toSorted((a, b) => b.version - a.version || a.names.length - b.names.length);
}

function oldestOf(commits: ReadonlyMap<number, string>, checkpoints: readonly Checkpoint[]): number | undefined {
  if (commits.has(0)) return 0;
  return checkpoints.at(-1)?.version;
}

/** @throws DaisError `upstream_failed` for an invalid action. */
export function readAction(value: unknown, where: string): DeltaAction {
  const read = action.safeParse(value);
  if (read.success) return read.data;
  throw new DaisError('upstream_failed', `${where} has a log entry that is not an action.`, { cause: read.error });
}

/** Reads the actions of a commit. @throws as `readAction`. */
export function* actionsOf(text: string, where: string): Generator<DeltaAction> {
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new DaisError('upstream_failed', `${where} has a log line that is not JSON.`, { cause: error });
    }
    yield readAction(value, where);
  }
}

/** Replays actions to compute the files of a table. */
export class DeltaReplay {
  readonly #table: string;
  readonly #files = new Map<string, DeltaFile>();
  #protocol: DeltaProtocol | undefined;
  #metaData: DeltaMetaData | undefined;

  constructor(table: string) {
    this.#table = table;
  }

  /** Applies the actions of one commit or checkpoint. @throws DaisError `invalid_state`, `upstream_failed`. */
  apply(version: number, actions: Iterable<DeltaAction>): void {
    const where = `Version ${version} of the Delta table ${this.#table}`;
    const added = new Map<string, DeltaFile>();
    for (const { protocol, metaData, add, remove } of actions) {
      if (protocol) this.#protocol = protocol;
      if (metaData) this.#metaData = metaData;
      if (add) {
        const path = pathOf(add.path, where);
        const file = { path, partition: add.partitionValues ?? {}, deletions: add.deletionVector ?? undefined };
        added.set(keyOf(path, file.deletions), file);
      }
      if (remove) this.#files.delete(keyOf(pathOf(remove.path, where), remove.deletionVector ?? undefined));
    }
    // Within a commit the order does not matter: a file that it removes and adds exists.
    for (const [key, file] of added) this.#files.set(key, file);
  }

  /** @throws DaisError `upstream_failed` for a log without protocol or metadata. */
  snapshot(version: number): DeltaSnapshot {
    const where = `Version ${version} of the Delta table ${this.#table}`;
    const [protocol, metaData] = [this.#protocol, this.#metaData];
    if (protocol === undefined || metaData === undefined)
      throw new DaisError('upstream_failed', `${where} has a log without a protocol or without metadata.`);
    const files = [...this.#files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const twice = files.find(({ path }, at) => files[at + 1]?.path === path);
    if (twice === undefined) return { version, protocol, metaData, files };
    throw new DaisError('upstream_failed', `${where} lists the file ${twice.path} twice.`);
  }
}

/** A file with another deletion vector is a different file. */
function keyOf(path: string, deletions: DeltaDeletions | undefined): string {
  if (deletions === undefined) return path;
  return `${path}\n${deletions.storageType}${deletions.pathOrInlineDv}@${deletions.offset ?? ''}`;
}

/** Paths are URIs, relative to the table except in shallow clones. */
function pathOf(path: string, where: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/')) {
    throw new DaisError(
      'invalid_state',
      `${where} has files outside the table, which is not supported. Create a deep clone of the table.`,
    );
  }
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new DaisError('upstream_failed', `${where} has a file whose path is not a URI.`, { cause: error });
  }
}
