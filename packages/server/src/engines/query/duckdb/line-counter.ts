/** Counts lines of a file like an editor, in ascending order: a CSV record may have several lines. */
import { open, type FileHandle } from 'node:fs/promises';

const PIECE = 1024 * 1024;
const LINE_FEED = 0x0a;

export class LineCounter {
  readonly #file: FileHandle;
  readonly #piece = Buffer.alloc(PIECE);
  /** Line of the next byte. */
  #at = 0;
  #line = 1;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<LineCounter> {
    return new LineCounter(await open(path, 'r'));
  }

  /** Returns the line from 1; for a byte before the last requested one, the line of that one. */
  async lineAt(byte: number): Promise<number> {
    while (this.#at < byte) {
      if (this.#pending.length === 0) {
        const { bytesRead } = await this.#file.read(this.#piece, 0, PIECE, this.#at);
        if (bytesRead === 0) break;
        this.#pending = this.#piece.subarray(0, bytesRead);
      }
      const taken = Math.min(this.#pending.length, byte - this.#at);
      const chunk = this.#pending.subarray(0, taken);
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) this.#line += 1;
      this.#pending = this.#pending.subarray(taken);
      this.#at += taken;
    }
    return this.#line;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
