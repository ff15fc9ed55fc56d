/** The target server of an import, with the operations that the import uses. */
import { Transform, Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { DaisError, type DaisClient } from '@dais/api';
import {
  listArtifactsOperation,
  listImportedOperation,
  noteImportedOperation,
  writeArtifactOperation,
  type ImportedKind,
} from '@dais/api/tracking';

/** Imported state, by the name at the source. */
export type Known = ReadonlyMap<string, { readonly id: string; readonly state: string }>;

/** A repeated import changes nothing, so every request can be retried. */
export class DaisTarget {
  readonly client: DaisClient;
  readonly #source: string;
  readonly #signal: AbortSignal;

  constructor(client: DaisClient, source: string, signal: AbortSignal) {
    this.client = client;
    this.#source = source;
    this.#signal = signal;
  }

  get settings() {
    return { signal: this.#signal, repeatable: true } as const;
  }

  get source(): string {
    return this.#source;
  }

  async known(kind: ImportedKind): Promise<Known> {
    const known = new Map<string, { id: string; state: string }>();
    let cursor: string | undefined;
    do {
      const input = { source: this.#source, kind, limit: 10_000, ...(cursor !== undefined && { cursor }) };
      const page = await this.client.perform(listImportedOperation, input, this.settings);
      for (const { sourceId, id, state } of page.items) known.set(sourceId, { id, state });
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return known;
  }

  async note(kind: ImportedKind, sourceId: string, id: string, state: string): Promise<void> {
    await this.client.perform(
      noteImportedOperation,
      { source: this.#source, kind, sourceId, id, state },
      this.settings,
    );
  }

  /** Sizes of all files in a folder and its subfolders, by path. */
  async files(folder: string): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const folders = [''];
    for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
      let cursor: string | undefined;
      do {
        const path = below === '' ? folder : `${folder}/${below}`;
        const input = { path, ...(cursor !== undefined && { cursor }) };
        const page = await this.client.perform(listArtifactsOperation, input, this.settings);
        for (const { name, directory, size = 0 } of page.items) {
          const inner = below === '' ? name : `${below}/${name}`;
          if (directory) folders.push(inner);
          else found.set(inner, size);
        }
        cursor = page.nextCursor;
      } while (cursor !== undefined);
    }
    return found;
  }

  /**
   * Returns the number of bytes. @throws DaisError `digest_mismatch` when the received bytes differ from the read ones.
   */
  async upload(path: string, bytes: Readable, onBytes: (count: number) => void): Promise<number> {
    const hash = createHash('sha256');
    let size = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        size += chunk.length;
        onBytes(chunk.length);
        done(null, chunk);
      },
    });
    bytes.on('error', (error) => counted.destroy(error));
    try {
      const body = Readable.toWeb(bytes.pipe(counted)) as ReadableStream<Uint8Array>;
      const { sha256 } = await this.client.upload(writeArtifactOperation, { path }, body, { signal: this.#signal });
      const read = hash.digest('hex');
      if (sha256 !== read) {
        throw new DaisError('digest_mismatch', `${path} was read with digest ${read} but stored with ${sha256}.`);
      }
      return size;
    } finally {
      bytes.destroy();
    }
  }
}
