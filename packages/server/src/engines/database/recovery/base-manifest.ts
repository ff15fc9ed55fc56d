/** `base.json`: the description of a base backup. Written last: without it the parts are no base backup. */
import { z } from 'zod';
import { DaisError } from '@dais/api/errors';

const time = z.iso.datetime();

const baseManifestSchema = z.strictObject({
  format: z.literal(1),
  programVersion: z.string(),
  /** Major version of PostgreSQL. */
  major: z.int(),
  startedAt: time,
  /** From here on, a recovery from this base backup is possible. */
  stoppedAt: time,
  timeline: z.int(),
  segmentBytes: z.int(),
  /** First and last segment of the write-ahead log that every recovery needs. */
  firstSegment: z.string().regex(/^[0-9A-F]{24}$/),
  lastSegment: z.string().regex(/^[0-9A-F]{24}$/),
  /** Of the files, uncompressed. */
  bytes: z.int(),
  parts: z.array(z.strictObject({ name: z.string(), bytes: z.int(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
  /** Fingerprints of the keys that the secrets need. */
  keys: z.array(z.strictObject({ keyId: z.string(), fingerprint: z.string() })),
});

export type BaseManifest = z.infer<typeof baseManifestSchema>;

export function baseManifestText(manifest: BaseManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** @throws DaisError `backup_invalid`. */
export function parseBaseManifest(object: string, bytes: Buffer): BaseManifest {
  try {
    return baseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    throw new DaisError('backup_invalid', `The base backup ${object} has a damaged description.`, { cause: error });
  }
}
