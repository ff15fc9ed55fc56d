/** Rows that the query engine wrote as lines of JSON, a batch at a time: files of any size take little memory. */
import { createReadStream } from 'node:fs';
import type { Cell } from '#engines/query/contract.ts';

const BLOCK = 2 ** 18;

/** Rows of all the files, in order; the first `skip` are left out. */
export async function* readCellLines(
  paths: readonly string[],
  { batch, skip, signal }: { readonly batch: number; readonly skip: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly (readonly Cell[])[]> {
  let rows: (readonly Cell[])[] = [];
  let left = skip;
  for (const path of paths) {
    let rest = '';
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: BLOCK, signal })) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') continue;
        if (left > 0) {
          left -= 1;
          continue;
        }
        rows.push(JSON.parse(line) as readonly Cell[]);
        if (rows.length < batch) continue;
        yield rows;
        rows = [];
      }
    }
  }
  if (rows.length > 0) yield rows;
}
