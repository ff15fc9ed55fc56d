/**
 * An export file with a cursor file `FILE.cursor`. Bytes after the cursor are removed before the export continues, so
 * that each entry is in the file once, even after a kill.
 */
import { open, readFile, rename, writeFile, type FileHandle } from 'node:fs/promises';
import { DaisError } from '@dais/api';

interface Cursor {
  /** The next entry to export. */
  readonly next: number;
  /** Length of the file up to that entry. */
  readonly bytes: number;
  readonly format: string;
}

export class ExportFile {
  readonly #file: FileHandle;
  readonly #path: string;
  #cursor: Cursor;

  private constructor(file: FileHandle, path: string, cursor: Cursor) {
    this.#file = file;
    this.#path = path;
    this.#cursor = cursor;
  }

  /**
   * @throws DaisError `invalid_state` when the file exists without its cursor, or in another format.
   */
  static async open(path: string, format: string, after: number | undefined): Promise<ExportFile> {
    const kept = await readCursor(path);
    if (kept !== undefined && kept.format !== format) {
      throw new DaisError('invalid_state', `${path} was started as ${kept.format}. Choose another file for ${format}.`);
    }
    const file = await open(path, kept === undefined ? 'wx' : 'r+', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      throw new DaisError('invalid_state', `${path} exists without ${path}.cursor. Choose a new file.`);
    });
    const cursor = kept ?? { next: after === undefined ? 0 : after + 1, bytes: 0, format };
    await file.truncate(cursor.bytes);
    const made = new ExportFile(file, path, cursor);
    if (kept === undefined) await made.#keep();
    return made;
  }

  get next(): number {
    return this.#cursor.next;
  }

  async append(bytes: Buffer, next: number): Promise<void> {
    await this.#file.write(bytes, 0, bytes.length, this.#cursor.bytes);
    await this.#file.sync();
    this.#cursor = { ...this.#cursor, next, bytes: this.#cursor.bytes + bytes.length };
    await this.#keep();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #keep(): Promise<void> {
    const path = `${this.#path}.cursor`;
    await writeFile(`${path}.partial`, `${JSON.stringify(this.#cursor)}\n`, { mode: 0o600, flush: true });
    await rename(`${path}.partial`, path);
  }
}

async function readCursor(path: string): Promise<Cursor | undefined> {
  const text = await readFile(`${path}.cursor`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : (JSON.parse(text) as Cursor);
}
