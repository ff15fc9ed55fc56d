/** Writes rows as an Arrow IPC stream: DuckDB cannot write it without an extension, so batches are built from its chunks. */
import { createWriteStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { RecordBatch, RecordBatchStreamWriter, Schema, Struct, makeData, type DataType } from 'apache-arrow';
import type { ArrowOutput } from '../../contract.ts';
import { arrowData, arrowField } from './arrow-values.ts';
import type { Session } from '../session.ts';
import type { ResultHead } from '../wire.ts';

/** Approximate number of values in one batch; a chunk of DuckDB has 2,048 rows. */
const BATCH_VALUES = 500_000;
/** Maximum buffered bytes. */
const MOST_WAITING = 32 * 1024 * 1024;

export async function writeArrow(session: Session, sql: string, output: ArrowOutput): Promise<ResultHead> {
  const { columns, canonical } = await session.bind(sql);
  const result = await session.stream(canonical);
  const types = columns.map((_, n) => result.columnType(n));
  const fields = columns.map(({ name }, n) => arrowField(name, types[n]));
  const schema = new Schema(fields);
  const writer = new RecordBatchStreamWriter({ autoDestroy: false });
  const file = createWriteStream(output.path);
  const written = pipeline(writer.toNodeStream(), file);
  // Its failure is reported where it is awaited.
  written.catch(() => {});
  let rows = 0;
  let made = 0;
  const write = (waiting: readonly (readonly unknown[])[], length: number) => {
    const children = fields.map(({ type }, n) => arrowData(type, waiting[n] ?? []));
    const struct = new Struct<Record<string, DataType>>(fields);
    writer.write(new RecordBatch(schema, makeData({ type: struct, length, nullCount: 0, children })));
    made += children.reduce((sum, { byteLength }) => sum + byteLength, 0);
    rows += length;
  };
  try {
    // Without rows, write the schema.
    writer.reset(undefined, schema);
    let waiting: unknown[][] = columns.map(() => []);
    let length = 0;
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      for (const [n, values] of chunk.getColumns().entries()) waiting[n]?.push(...values);
      length += chunk.rowCount;
      if (length * columns.length < BATCH_VALUES) continue;
      write(waiting, length);
      [waiting, length] = [columns.map(() => []), 0];
      while (made - file.bytesWritten > MOST_WAITING && !file.destroyed) await delay(2);
    }
    if (length > 0 || rows === 0) write(waiting, length);
  } finally {
    writer.close();
  }
  await written;
  return { columns, truncated: false, files: [{ path: output.path, rows, bytes: file.bytesWritten }], rowCount: rows };
}
