/** `backup.json`: what a backup holds. Written last: a folder without it is no backup. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';
import { z } from 'zod';

export const DATABASE_FILE = 'database.dais';
export const BLOB_LIST = 'blobs.ndjson';
const MANIFEST_FILE = 'backup.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.strictObject({
  format: z.literal(1),
  programVersion: z.string(),
  createdAt: z.string(),
  database: z.strictObject({ sha256, bytes: z.int(), tables: z.int(), rows: z.int() }),
  blobs: z.strictObject({ sha256, count: z.int(), bytes: z.int() }),
  /** Fingerprints of the keys that the secrets need. The keys themselves are never part of a backup. */
  keys: z.array(z.strictObject({ keyId: z.string(), fingerprint: z.string() })),
});
export type BackupManifest = z.infer<typeof manifestSchema>;

const blobLine = z.strictObject({ locator: z.string(), sha256, size: z.int() });
export type BackupBlob = z.infer<typeof blobLine>;

export const manifestPath = (folder: string) => join(folder, MANIFEST_FILE);
export const blobPath = (folder: string, digest: string) => join(folder, 'blobs', digest.slice(0, 2), digest);

/** Reads the manifest and checks the two files that it vouches for. @throws DaisError `backup_invalid`. */
export async function readBackup(folder: string): Promise<BackupManifest> {
  let manifest: BackupManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(manifestPath(folder), 'utf8')));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing
      ? `has no ${MANIFEST_FILE}: it is no backup, or one that was not finished`
      : `has a damaged ${MANIFEST_FILE}`;
    throw new DaisError('backup_invalid', `${folder} ${why}.`, { cause: error });
  }
  await checkFile(folder, DATABASE_FILE, manifest.database.sha256);
  await checkFile(folder, BLOB_LIST, manifest.blobs.sha256);
  return manifest;
}

async function checkFile(folder: string, name: string, expected: string): Promise<void> {
  const found = await digestOf(join(folder, name)).catch((error: unknown) => {
    throw new DaisError('backup_invalid', `${join(folder, name)} cannot be read.`, { cause: error });
  });
  if (found !== expected) throw new DaisError('backup_invalid', `${join(folder, name)} was changed or is incomplete.`);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @throws DaisError `backup_invalid`. */
export function parseBlobLine(line: string): BackupBlob {
  const parsed = blobLine.safeParse(JSON.parse(line));
  if (!parsed.success) throw new DaisError('backup_invalid', `${BLOB_LIST} has a line that is no blob.`);
  return parsed.data;
}
