/** Encodes join keys as one key of the online store: values sorted by key name, each with its length. */
import type { KeyType } from '@dais/api/data';
import { ByteReader, ByteWriter } from './bytes.ts';
import { wholeNumber, type Value } from './cells.ts';
import { formatCell, parseMoment } from './moment.ts';

const writer = new ByteWriter();

/** Packs a key. `values`: as `readValue` returns them, not null. int32 and int64 are equal, so that a key can be widened. */
export function packKey(types: readonly KeyType[], values: readonly Value[]): Buffer {
  for (const [at, type] of types.entries()) {
    const value = values[at] ?? null;
    if (type === 'string') writer.text(value as string, 'utf8');
    else if (type === 'binary') writer.text(value as string, 'base64');
    else if (type === 'boolean') writer.byte(value === true ? 1 : 0);
    else if (type === 'timestamp') writer.int64(BigInt(parseMoment(value as string) ?? 0));
    else writer.int64(BigInt(value as number | string));
  }
  return writer.take();
}

export function unpackKey(types: readonly KeyType[], key: Buffer): Value[] {
  const reader = new ByteReader(key);
  return types.map((type) => {
    if (type === 'string') return reader.text('utf8');
    if (type === 'binary') return reader.text('base64');
    if (type === 'boolean') return reader.byte() === 1;
    return type === 'timestamp' ? formatCell(Number(reader.int64())) : wholeNumber(reader.int64());
  });
}
