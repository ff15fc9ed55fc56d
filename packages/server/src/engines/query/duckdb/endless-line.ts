/**
 * Finds too long lines before DuckDB reads them: its dialect detection takes quadratic time in the length of a line, and one of
 * 40 MB took minutes.
 */
import { createReadStream } from 'node:fs';
import { fault } from './fault-log.ts';
import { LineCounter } from './line-counter.ts';
import type { TextFile } from './source-files.ts';

/** Smaller than any limit: lines within one chunk need no check. */
const PIECE = 1024 * 1024;
const ENDS = ['\n', '\r'] as const;

/** @throws QueryError `data_invalid`. */
export async function rejectLongLines(table: string, file: TextFile, lineBytes: number): Promise<void> {
  let begin = 0;
  let at = 0;
  for await (const piece of createReadStream(file.plainPath, { highWaterMark: PIECE }) as AsyncIterable<Buffer>) {
    const first = Math.min(...ENDS.map((end) => piece.indexOf(end)).map((found) => (found < 0 ? piece.length : found)));
    if (at + first - begin > lineBytes) {
      const lines = await LineCounter.open(file.plainPath);
      const line = await lines.lineAt(begin);
      await lines.close();
      throw fault(
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
