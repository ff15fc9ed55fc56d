/** The gateway's copy of the snapshot: what it serves by when it starts and nobody else is there. */
import { mkdir, open, readFile, rename, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotSchema, type Snapshot } from '@dais/api/gateway';

/** Between two notes of when the control plane was heard. */
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

  /** Undefined when there is none, or one of a version that this gateway does not know. */
  async read(): Promise<{ readonly snapshot: Snapshot; readonly heardAt: number } | undefined> {
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const { mtimeMs } = await stat(this.#file);
    const read = snapshotSchema.safeParse(json(text));
    return read.success ? { snapshot: read.data, heardAt: mtimeMs } : undefined;
  }

  /** Whole or not at all; of several at once the last one stays. */
  async write(snapshot: Snapshot, heardAt: number): Promise<void> {
    const turn = ++this.#turn;
    const write = async () => {
      if (turn !== this.#turn) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      const draft = `${this.#file}.new`;
      // It names hashes of tokens only, but also who has access to what.
      const handle = await open(draft, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(snapshot));
        await handle.utimes(heardAt / 1000, heardAt / 1000);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, this.#file);
      this.#notedAt = heardAt;
    };
    this.#writing = this.#writing.then(write, write);
    await this.#writing;
  }

  /** So that a restart does not make a long silence forgotten. */
  async heard(at: number): Promise<void> {
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
