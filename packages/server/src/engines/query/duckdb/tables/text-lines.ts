/** Lines of text files: their numbers, and a limit of their length. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dataError } from './data-errors.ts';
import type { TextFile } from './source-files.ts';

/** Smaller than any limit of a line: lines within one chunk need no check. */
const PIECE = 1024 * 1024;
const LINE_FEED = 0x0a;

/** Counts lines of a file like an editor, in ascending order: a CSV record may have several lines. */
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

const ENDS = ['\n', '\r'] as const;

/**
 * Rejects long lines before DuckDB reads them: its dialect detection takes quadratic time in the length of a line, and one of
 * 40 MB took minutes.
 * @throws QueryError `data_invalid`.
 */
export async function rejectLongLines(table: string, file: TextFile, lineBytes: number): Promise<void> {
  let begin = 0;
  let at = 0;
  for await (const piece of createReadStream(file.plainPath, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    const first = Math.min(...ENDS.map((end) => piece.indexOf(end)).map((found) => (found < 0 ? piece.length : found)));
    if (at + first - begin > lineBytes) {
      const lines = await LineCounter.open(file.plainPath);
      const line = await lines.lineAt(begin);
      await lines.close();
      throw dataError(
        'line-too-long',
        { table, file: file.name, line },
        `The line is longer than ${lineBytes} bytes.`,
        'Check the line ends, check for an unclosed quote, or split the line.',
      );
    }
    const last = Math.max(...ENDS.map((end) => piece.lastIndexOf(end)));
    if (last >= 0) begin = at + last + 1;
    at += piece.length;
  }
}
