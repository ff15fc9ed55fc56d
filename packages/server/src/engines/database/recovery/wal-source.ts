/** Gives a recovering server the files of its write-ahead log that it requests. */
import { createHash } from 'node:crypto';
import { chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import type { ServerUser } from '../embedded/server-user.ts';
import type { ArchiveContents } from './archive-contents.ts';
import { parseSegment, segmentName, type WalObject } from './archive-names.ts';

const decompress = promisify(gunzip);
/** Largest segment that PostgreSQL supports. */
const MAX_FILE_BYTES = 1 << 30;
const POLL_MS = 15;
/** Segments that are fetched before they are requested. */
const AHEAD = 2;

/** The folder for requests and files, inside the data folder of the server. */
const WAL_FOLDER = 'dais_restore';

/**
 * `restore_command`: requests a file by an empty file `.want`, and waits for `.ok` (it is there), `.no` (the archive does not have
 * it) or `.stop`. Exit codes above 125 end the recovery; 1 means that there is no such file. Without this process it ends after
 * 10 minutes.
 */
export const RESTORE_COMMAND = [
  `f=${WAL_FOLDER}/%f; n=0; : > "$f.want"`,
  'until [ -e "$f.ok" ] || [ -e "$f.no" ] || [ -e "$f.stop" ]; do n=$((n+1)); [ $n -gt 30000 ] && exit 200; sleep 0.02; done',
  '[ -e "$f.stop" ] && exit 200',
  'if [ -e "$f.no" ]; then rm -f "$f.no"; exit 1; fi',
  'rm -f "$f.ok"; mv "$f" "%p"',
].join('; ');

export interface WalSourceOptions {
  readonly store: NamedObjects;
  readonly wal: ArchiveContents['wal'];
  readonly segmentBytes: number;
  /** The data folder of the server. */
  readonly cluster: string;
  readonly user: ServerUser | undefined;
  /** Called with each segment that the server received. */
  readonly served: (file: string) => void;
}

export class WalSource {
  readonly #options: WalSourceOptions;
  readonly #folder: string;
  readonly #fetched = new Map<string, Promise<Buffer | undefined>>();
  #stopped = false;
  #running: Promise<void> | undefined;
  #error: unknown;

  constructor(options: WalSourceOptions) {
    this.#options = options;
    this.#folder = path.join(options.cluster, WAL_FOLDER);
  }

  async start(): Promise<void> {
    const { user } = this.#options;
    await mkdir(this.#folder, { mode: 0o700 });
    if (user !== undefined) await chown(this.#folder, user.uid, user.gid);
    this.#running = this.#run();
  }

  /** Resolves when no file is requested any more; the folder is removed. @throws the error of a fetch. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#error !== undefined) throw this.#error;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      for (const request of await readdir(this.#folder)) {
        if (!request.endsWith('.want')) continue;
        const file = request.slice(0, -'.want'.length);
        if (!/^[0-9A-F]{8}[0-9A-F.a-z]*$/.test(file)) continue;
        await this.#answer(file);
      }
      await delay(POLL_MS);
    }
  }

  async #answer(file: string): Promise<void> {
    await rm(path.join(this.#folder, `${file}.want`), { force: true });
    try {
      const bytes = await this.#take(file);
      if (bytes === undefined) {
        await this.#write(`${file}.no`, Buffer.alloc(0));
        return;
      }
      await this.#write(file, bytes);
      await this.#write(`${file}.ok`, Buffer.alloc(0));
      this.#options.served(file);
    } catch (error) {
      this.#error ??= error;
      await this.#write(`${file}.stop`, Buffer.alloc(0));
    }
  }

  async #take(file: string): Promise<Buffer | undefined> {
    const expected = this.#fetched.get(file) ?? this.#fetch(file);
    const earlier = new Map(this.#fetched);
    this.#fetched.clear();
    const { segmentBytes } = this.#options;
    const segment = parseSegment(file, segmentBytes);
    if (segment !== undefined) {
      for (let next = 1; next <= AHEAD; next += 1) {
        const name = segmentName({ ...segment, number: segment.number + BigInt(next) }, segmentBytes);
        const fetching = earlier.get(name) ?? this.#fetch(name);
        // Awaited when it is requested.
        fetching.catch(() => {});
        this.#fetched.set(name, fetching);
      }
    }
    return await expected;
  }

  async #fetch(file: string): Promise<Buffer | undefined> {
    const [object] = this.#options.wal.get(file) ?? [];
    return object === undefined ? undefined : await readWal(this.#options.store, object);
  }

  /** Under its final name only when it is complete; readable by the user of the server. */
  async #write(name: string, bytes: Buffer): Promise<void> {
    const { user } = this.#options;
    const partial = path.join(this.#folder, `.${name}`);
    const handle = await open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      if (user !== undefined) await handle.chown(user.uid, user.gid);
    } finally {
      await handle.close();
    }
    await rename(partial, path.join(this.#folder, name));
  }
}

/** @throws DaisError `backup_invalid` when the object was changed. */
async function readWal(store: NamedObjects, { object, sha256 }: WalObject): Promise<Buffer> {
  const stored = await store.get(object);
  const bytes = await decompress(stored, { maxOutputLength: MAX_FILE_BYTES }).catch(() => Buffer.alloc(0));
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new DaisError('backup_invalid', `The object ${object} of the archive was changed or is incomplete.`);
}
