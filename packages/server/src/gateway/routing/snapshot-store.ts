/** The local copy of the snapshot, which the gateway serves after a start without the control plane. */
import { mkdir, open, readFile, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotSchema, type Snapshot } from '@dais/api/gateway';

/** Interval between updates of the last contact with the control plane. */
const NOTE_EACH_MS = 5000;

export class SnapshotStore {
  readonly #folder: string;
  #notedAt = 0;
  #writing: Promise<void> = Promise.resolve();
  #turn = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get #file(): string {
    return join(this.#folder, 'snapshot.json');
  }

  /** Returns undefined if there is none, or one with an unknown version. */
  async read(): Promise<{ readonly snapshot: Snapshot; readonly contactAt: number } | undefined> {
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const { mtimeMs } = await stat(this.#file);
    const read = snapshotSchema.safeParse(json(text));
    return read.success ? { snapshot: read.data, contactAt: mtimeMs } : undefined;
  }

  /** Atomic; of several concurrent writes the last one wins. */
  async write(snapshot: Snapshot, contactAt: number): Promise<void> {
    const turn = ++this.#turn;
    const write = async () => {
      if (turn !== this.#turn) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const draft = `${this.#file}.new`;
      // The snapshot contains only hashes of tokens, but also the permissions.
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(snapshot));
        await handle.utimes(contactAt / 1000, contactAt / 1000);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, this.#file);
      this.#notedAt = contactAt;
    };
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  /** Persists the last contact, so that a restart does not reset the offline limit. */
  async recordContact(at: number): Promise<void> {
    if (at - this.#notedAt < NOTE_EACH_MS) return;
    this.#notedAt = at;
    await utimes(this.#file, at / 1000, at / 1000).catch(() => {});
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
