/** Reads the TFRecord framing of event files: length, masked CRC32C of the length, data, masked CRC32C of the data. */
import type { FileReader } from '../run-logs/log-file.ts';
import { maskedCrc32c } from './crc32c.ts';

/** Larger records are graphs and embeddings, which are not imported. */
export const LARGEST_RECORD = 64 << 20;
const HEADER = 12;
const FOOTER = 4;

export type TfRecord =
  | { readonly kind: 'record'; readonly at: number; readonly data: Buffer }
  /** The checksum of the data differs, or the record is too large. Reading continues after it. */
  | { readonly kind: 'damaged' | 'too large'; readonly at: number; readonly length: number }
  /** The length itself is damaged, so the next record cannot be found. */
  | { readonly kind: 'lost'; readonly at: number; readonly length: number }
  /** The file ends within a record: the training stopped while it wrote, or is writing. */
  | { readonly kind: 'incomplete'; readonly at: number; readonly length: number };

export async function* readTfRecords(reader: FileReader): AsyncGenerator<TfRecord> {
  while (reader.position < reader.size) {
    const at = reader.position;
    const rest = reader.size - at;
    const header = await reader.take(HEADER);
    if (header === undefined) {
      yield { kind: 'incomplete', at, length: rest };
      return;
    }
    const length = Number(header.readBigUInt64LE(0));
    if (header.readUInt32LE(8) !== maskedCrc32c(header.subarray(0, 8))) {
      yield { kind: 'lost', at, length: rest };
      return;
    }
    if (length + HEADER + FOOTER > rest) {
      yield { kind: 'incomplete', at, length: rest };
      return;
    }
    if (length > LARGEST_RECORD) {
      reader.position += length + FOOTER;
      yield { kind: 'too large', at, length };
      continue;
    }
    const body = await reader.take(length + FOOTER);
    if (body === undefined) {
      yield { kind: 'incomplete', at, length: rest };
      return;
    }
    const data = body.subarray(0, length);
    if (body.readUInt32LE(length) === maskedCrc32c(data)) yield { kind: 'record', at, data };
    else yield { kind: 'damaged', at, length };
  }
}
