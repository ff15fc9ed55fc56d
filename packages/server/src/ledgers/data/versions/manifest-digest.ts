/** The digest of a version covers its content, not its creation time or author. Pure. */
import { createHash } from 'node:crypto';
import type { DataSchema, DatasetMode } from '@dais/api/data';

export interface VersionManifest {
  readonly mode: DatasetMode;
  readonly schema: DataSchema;
  readonly keys: readonly string[];
  readonly eventTime: string | undefined;
  readonly label: string | undefined;
  readonly files: readonly { readonly digest: string; readonly rows: number; readonly uri?: string }[];
}

/** Returns the SHA-256 over the canonical JSON of the manifest: fields in this order, no white space. Lower-case hex. */
export function manifestDigest({ mode, schema, keys, eventTime, label, files }: VersionManifest): string {
  const canonical = {
    format: 1,
    mode,
    columns: schema.columns.map(({ name, type, nullable }) => [name, type, nullable]),
    keys,
    eventTime: eventTime ?? null,
    label: label ?? null,
    files: files.map(({ digest, rows, uri }) => [digest, rows, uri ?? null]),
  };
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
