/** Values that were written as lines of JSON, a batch at a time: files of any size take little memory. */
import { createReadStream } from 'node:fs';

const BLOCK = 2 ** 18;

/** Returns the values of all files in order, without the first `skip`. `Value` is the type of the writer. */
export async function* readJsonLines<Value>(
  paths: readonly string[],
  { batch, skip, signal }: { readonly batch: number; readonly skip: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly Value[]> {
  let rows: Value[] = [];
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
        rows.push(JSON.parse(line) as Value);
        if (rows.length < batch) continue;
        yield rows;
        rows = [];
      }
    }
  }
  if (rows.length > 0) yield rows;
}
