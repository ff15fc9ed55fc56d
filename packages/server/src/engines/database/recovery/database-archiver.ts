/** Archives a running embedded server: its write-ahead log at short intervals, and base backups. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Client } from 'pg';
import { DaisError } from '@dais/api/errors';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { clientConfig } from '../client-config.ts';
import type { ConnectionOptions } from '../contract.ts';
import { translate } from '../database-errors.ts';
import { ARCHIVE_SLOT } from '../embedded/archive-slot.ts';
import { SUPERUSER } from '../embedded/cluster.ts';
import { completeUntil, expiredObjects, readArchive } from './archive-contents.ts';
import {
  BASE_MANIFEST,
  baseFolder,
  baseName,
  formatPosition,
  parsePosition,
  parseSegment,
  segmentName,
  walObject,
} from './archive-names.ts';
import { copyBase } from './base-backup.ts';
import { baseManifestText } from './base-manifest.ts';

export interface ArchiverOptions {
  /** The socket of the embedded server. */
  readonly connection: ConnectionOptions;
  /** The data folder of the server. */
  readonly cluster: string;
  readonly store: NamedObjects;
  /** Identifies the installation; a copy of the database has another one. */
  readonly id: string;
  readonly everyMs: number;
  /** The recovery window. */
  readonly windowMs: number;
  readonly baseMs: number;
  readonly programVersion: string;
  /** Fingerprints of the keys that the secrets need. */
  readonly keys: () => Promise<readonly { readonly keyId: string; readonly fingerprint: string }[]>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ArchiverState {
  /** Everything that was committed before is archived; undefined before the first success of this process. */
  readonly coveredUntil: number | undefined;
  /** When the last complete base backup was finished. */
  readonly lastBaseAt: number | undefined;
  /** Size of the log that is not archived yet, in bytes. */
  readonly pendingBytes: number;
  /** Why the last attempt failed; undefined after a success. */
  readonly error: string | undefined;
  readonly startedAt: number;
}

const FIRST_RETRY_MS = 1000;
/** A failed base backup has read the whole database in vain. */
const BASE_RETRY_TURNS = 10;
const compress = promisify(gzip);
const HASHED_AT_ONCE = 1 << 20;

export class DatabaseArchiver {
  readonly #options: ArchiverOptions;
  readonly #abort = new AbortController();
  readonly #startedAt: number;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #base: Promise<void> | undefined;
  #turn: Promise<void> = Promise.resolve();
  #coveredUntil: number | undefined;
  #lastBaseAt: number | undefined;
  #pendingBytes = 0;
  #logError: string | undefined;
  #baseError: string | undefined;
  /** Undefined until the archive was read. */
  #needsBase: boolean | undefined;
  /** Position after the last segment that is archived. */
  #archivedTo = 0n;
  /** Position at the last switch to a new segment. */
  #switchedAt: bigint | undefined;
  readonly #histories = new Set<string>();
  #baseNotBefore = 0;

  constructor(options: ArchiverOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends after the running upload; the next process continues there. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#wake?.();
    await this.#running;
    await this.#base;
  }

  state(): ArchiverState {
    return {
      coveredUntil: this.#coveredUntil,
      lastBaseAt: this.#lastBaseAt,
      pendingBytes: this.#pendingBytes,
      error: this.#logError ?? this.#baseError,
      startedAt: this.#startedAt,
    };
  }

  /** Archives everything that is committed now. Concurrent calls run one after the other. */
  async archiveNow(): Promise<void> {
    const next = this.#turn.then(async () => await this.#archiveLog());
    this.#turn = next.catch(() => {});
    await next;
  }

  async #run(): Promise<void> {
    const { everyMs, log } = this.#options;
    let failures = 0;
    while (!this.#abort.signal.aborted) {
      try {
        await this.archiveNow();
        failures = 0;
        this.#startBaseIfDue();
      } catch (error) {
        failures += 1;
        if (failures === 1) log.error('the write-ahead log could not be archived; writes continue', { error });
      }
      await this.#sleep(failures === 0 ? everyMs : Math.min(FIRST_RETRY_MS * 2 ** failures, everyMs));
    }
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#abort.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  async #archiveLog(): Promise<void> {
    const { clock } = this.#options;
    try {
      const since = clock.now();
      await this.#withClient(async (client) => await this.#archiveSegments(client));
      this.#coveredUntil = since;
      this.#logError = undefined;
    } catch (error) {
      if (this.#abort.signal.aborted) throw error;
      this.#logError = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  async #archiveSegments(client: Client): Promise<void> {
    const { log } = this.#options;
    const server = await client.query<{ level: string; segment: string }>(
      `select current_setting('wal_level') as level, pg_size_bytes(current_setting('wal_segment_size'))::text as segment`,
    );
    const { level, segment } = server.rows[0]!;
    if (level === 'minimal') {
      throw new DaisError('invalid_state', 'PostgreSQL was started without the archive. Restart Dais.');
    }
    const size = BigInt(segment);
    const slot = await findSlot(client);
    const from = slot ?? (await createSlot(client));
    if (slot === undefined) this.#needsBase = true;
    else this.#needsBase ??= await this.#hasGap(from / size, Number(segment));
    await this.#switchSegment(client);
    const position = await client.query<{ flushed: string; file: string }>(
      `select pg_current_wal_flush_lsn()::text as flushed, pg_walfile_name(pg_current_wal_insert_lsn()) as file`,
    );
    const flushed = parsePosition(position.rows[0]!.flushed);
    const timeline = Number.parseInt(position.rows[0]!.file.slice(0, 8), 16);
    await this.#archiveHistories();
    const end = flushed / size;
    for (let number = from / size; number < end; number += 1n) {
      this.#abort.signal.throwIfAborted();
      this.#pendingBytes = Number((end - number) * size);
      await this.#archiveFile(segmentName({ timeline, number }, Number(segment)));
      const passed = (number + 1n) * size;
      await client.query(`select pg_replication_slot_advance('${ARCHIVE_SLOT}', $1::pg_lsn)`, [formatPosition(passed)]);
      this.#archivedTo = passed;
    }
    this.#pendingBytes = 0;
    if (this.#archivedTo === 0n) this.#archivedTo = from;
    if (slot === undefined) log.info('the archive of the database starts', { segment: Number(from / size) });
  }

  /** Whether the log between the newest base backup and the slot is missing, so that it recovers nothing that follows. */
  async #hasGap(next: bigint, segmentBytes: number): Promise<boolean> {
    const { store, id } = this.#options;
    const contents = (await readArchive(store, `${id}/`)).get(id);
    const base = contents?.bases.at(-1);
    if (contents === undefined || base === undefined) return true;
    this.#lastBaseAt = Date.parse(base.stoppedAt);
    const last = completeUntil(base, contents.wal);
    const { timeline } = base;
    return last === undefined || last < segmentName({ timeline, number: next - 1n }, segmentBytes);
  }

  /** Completes the current segment, unless nothing was written since the last one. */
  async #switchSegment(client: Client): Promise<void> {
    const before = await client.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at');
    if (parsePosition(before.rows[0]!.at) === this.#switchedAt) return;
    await client.query('select pg_switch_wal()');
    const after = await client.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at');
    this.#switchedAt = parsePosition(after.rows[0]!.at);
  }

  /** Files that connect timelines, of earlier recoveries. */
  async #archiveHistories(): Promise<void> {
    for (const name of await readdir(path.join(this.#options.cluster, 'pg_wal'))) {
      if (!/^[0-9A-F]{8}\.history$/.test(name) || this.#histories.has(name)) continue;
      await this.#archiveFile(name);
      this.#histories.add(name);
    }
  }

  /** A file that a killed process has archived already gets the same name and content again. */
  async #archiveFile(name: string): Promise<void> {
    const { cluster, store, id } = this.#options;
    const bytes = await readFile(path.join(cluster, 'pg_wal', name));
    const hash = createHash('sha256');
    for (let at = 0; at < bytes.length; at += HASHED_AT_ONCE) {
      hash.update(bytes.subarray(at, at + HASHED_AT_ONCE));
      // Requests of this process are served in between.
      await setImmediate();
    }
    await store.put(walObject(id, name, hash.digest('hex')), await compress(bytes, { level: 1 }));
  }

  #startBaseIfDue(): void {
    const { clock, baseMs, everyMs, log } = this.#options;
    if (this.#base !== undefined || this.#abort.signal.aborted) return;
    const isDue = this.#lastBaseAt === undefined || clock.now() - this.#lastBaseAt >= baseMs;
    if ((this.#needsBase !== true && !isDue) || clock.now() < this.#baseNotBefore) return;
    this.#base = this.#writeBase()
      .then(
        () => {
          this.#baseError = undefined;
        },
        (error: unknown) => {
          if (this.#abort.signal.aborted) return;
          this.#baseNotBefore = clock.now() + BASE_RETRY_TURNS * everyMs;
          this.#baseError = `The base backup failed: ${error instanceof Error ? error.message : String(error)}`;
          log.error('a base backup failed; it is repeated', { error });
        },
      )
      .finally(() => {
        this.#base = undefined;
      });
  }

  async #writeBase(): Promise<void> {
    const { clock, store, id, cluster, programVersion, keys, log } = this.#options;
    const startedAt = clock.now();
    const name = baseName(startedAt);
    const copied = await this.#withClient(async (client) => {
      return await copyBase({ client, cluster, store, id, name, signal: this.#abort.signal });
    });
    const stoppedAt = clock.now();
    const last = parseSegment(copied.lastSegment, copied.segmentBytes)!;
    const end = (last.number + 1n) * BigInt(copied.segmentBytes);
    // The log up to its end belongs to it.
    while (this.#archivedTo < end) await this.archiveNow();
    const manifest = {
      format: 1 as const,
      programVersion,
      startedAt: new Date(startedAt).toISOString(),
      stoppedAt: new Date(stoppedAt).toISOString(),
      ...copied,
      keys: (await keys()).map(({ keyId, fingerprint }) => ({ keyId, fingerprint })),
    };
    const folder = baseFolder(id, name);
    await requireParts(store, folder, manifest.parts);
    await store.put(`${folder}${BASE_MANIFEST}`, Buffer.from(baseManifestText(manifest)));
    this.#lastBaseAt = stoppedAt;
    this.#needsBase = false;
    log.info('a base backup of the database was archived', {
      name,
      bytes: copied.bytes,
      archivedBytes: copied.parts.reduce((sum, part) => sum + part.bytes, 0),
      durationMs: stoppedAt - startedAt,
    });
    await this.#removeExpired();
  }

  async #removeExpired(): Promise<void> {
    const { store, id, clock, windowMs } = this.#options;
    const contents = (await readArchive(store, `${id}/`)).get(id);
    if (contents === undefined) return;
    for (const object of [...contents.incomplete, ...expiredObjects(contents, clock.now() - windowMs)]) {
      this.#abort.signal.throwIfAborted();
      await store.delete(object);
    }
  }

  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { host, port, database } = this.#options.connection;
    const client = new Client(clientConfig({ host, port, user: SUPERUSER, database }, 'dais archive'));
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      throw translate(error);
    } finally {
      // Not awaited for long: a server that stops does not answer.
      await client.end().catch(() => {});
    }
  }
}

/** A process that ended meanwhile may have removed parts that it took for remains. */
async function requireParts(
  store: NamedObjects,
  folder: string,
  parts: readonly { readonly name: string }[],
): Promise<void> {
  const found = new Set<string>();
  for await (const { name } of store.list(folder)) found.add(name);
  const missing = parts.find(({ name }) => !found.has(`${folder}${name}`));
  if (missing !== undefined) throw new DaisError('conflict', `The archive has lost ${folder}${missing.name}.`);
}

/** Position from which the server keeps its log. Undefined: there is no slot, or it has lost a part of the log. */
async function findSlot(client: Client): Promise<bigint | undefined> {
  const { rows } = await client.query<{ position: string | null; status: string | null }>(
    'select restart_lsn::text as position, wal_status as status from pg_replication_slots where slot_name = $1',
    [ARCHIVE_SLOT],
  );
  const [slot] = rows;
  if (slot === undefined) return undefined;
  // `unreserved` segments may be removed at any moment; until then they can be archived.
  if (slot.position !== null && slot.status !== 'lost') return parsePosition(slot.position);
  await client.query('select pg_drop_replication_slot($1)', [ARCHIVE_SLOT]);
  return undefined;
}

async function createSlot(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ position: string }>(
    'select lsn::text as position from pg_create_physical_replication_slot($1, true)',
    [ARCHIVE_SLOT],
  );
  return parsePosition(rows[0]!.position);
}

/** Removes the slot of an archive that is no longer configured, so that the server keeps no log for it. */
export async function endArchive(connection: ConnectionOptions): Promise<boolean> {
  const { host, port, database } = connection;
  const client = new Client(clientConfig({ host, port, user: SUPERUSER, database }, 'dais archive'));
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query(
      'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1',
      [ARCHIVE_SLOT],
    );
    return rows.length > 0;
  } catch (error) {
    throw translate(error);
  } finally {
    await client.end().catch(() => {});
  }
}
