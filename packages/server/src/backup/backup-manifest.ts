/** `backup.json`: what a backup contains. Written last: a folder without it is no backup. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { damagedContentSchema } from '@dais/api';
import { DaisError, type Issue } from '@dais/api/errors';
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
  /** Objects that the backup does not contain because they were damaged, with what refers to them. */
  damaged: z.array(damagedContentSchema),
});
export type BackupManifest = z.infer<typeof manifestSchema>;

const blobLine = z.strictObject({ locator: z.string(), sha256, size: z.int() });
export type BackupBlob = z.infer<typeof blobLine>;

export const manifestPath = (folder: string) => join(folder, MANIFEST_FILE);
export const blobPath = (folder: string, digest: string) => join(folder, 'blobs', digest.slice(0, 2), digest);

/** Unreadable and damaged blobs of a backup that an error names. */
const NAMED = 20;

/** Reads a backup whole and changes nothing. @throws DaisError `backup_invalid`. */
export async function verifyBackup(
  folder: string,
  verifyArchive: (source: AsyncIterable<Uint8Array>) => Promise<{ readonly tables: number; readonly rows: number }>,
  progress: (bytes: number, total: number) => void,
): Promise<BackupManifest> {
  const manifest = await readManifest(folder);
  const { tables, rows } = await verifyArchive(createReadStream(join(folder, DATABASE_FILE)));
  if (tables !== manifest.database.tables || rows !== manifest.database.rows) {
    throw new DaisError('backup_invalid', `${join(folder, DATABASE_FILE)} does not match ${MANIFEST_FILE}.`);
  }
  const issues: Issue[] = [];
  let [count, bytes] = [0, 0];
  for await (const blob of readBlobList(folder)) {
    const path = blobPath(folder, blob.sha256);
    const found = await measureFile(path).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) issues.push({ file: path, message: unreadableText(found) });
    else if (found.sha256 !== blob.sha256 || found.bytes !== blob.size) {
      issues.push({ file: path, message: 'was changed or is incomplete' });
    }
    count += 1;
    bytes += blob.size;
    progress(bytes, manifest.blobs.bytes);
  }
  if (issues.length > 0) {
    const which = issues.length === 1 ? 'One file' : `${issues.length} files`;
    const detail = `${which} of ${folder} cannot be used: ${issues[0]?.file ?? ''} ${issues[0]?.message ?? ''}. Nothing was changed.`;
    throw new DaisError('backup_invalid', detail, { issues: issues.slice(0, NAMED) });
  }
  if (count !== manifest.blobs.count || bytes !== manifest.blobs.bytes) {
    throw new DaisError('backup_invalid', `${join(folder, BLOB_LIST)} does not match ${MANIFEST_FILE}.`);
  }
  return manifest;
}

/** @throws DaisError `backup_invalid`. */
export async function* readBlobList(folder: string): AsyncGenerator<BackupBlob> {
  const lines = createInterface({ input: createReadStream(join(folder, BLOB_LIST)), crlfDelay: Infinity });
  for await (const line of lines) yield parseBlobLine(line);
}

/** Reads the manifest and checks the two files that it names. @throws DaisError `backup_invalid`. */
async function readManifest(folder: string): Promise<BackupManifest> {
  let manifest: BackupManifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(manifestPath(folder), 'utf8')));
  } catch (error) {
    throw new DaisError('backup_invalid', `${folder} ${whyNoManifest(error)}.`, { cause: error });
  }
  await checkFile(folder, DATABASE_FILE, manifest.database.sha256);
  await checkFile(folder, BLOB_LIST, manifest.blobs.sha256);
  return manifest;
}

function whyNoManifest(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return `has no ${MANIFEST_FILE}: it is not a backup, or the backup is incomplete`;
  }
  if (error instanceof z.ZodError || error instanceof SyntaxError) return `has a damaged ${MANIFEST_FILE}`;
  return `has a ${MANIFEST_FILE} that ${unreadableText(error as NodeJS.ErrnoException)}`;
}

function unreadableText({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' ? 'is missing' : `cannot be read (${code})`;
}

async function checkFile(folder: string, name: string, expected: string): Promise<void> {
  const path = join(folder, name);
  const found = await measureFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new DaisError('backup_invalid', `${path} ${unreadableText(error)}.`, { cause: error });
  });
  if (found.sha256 !== expected) throw new DaisError('backup_invalid', `${path} was changed or is incomplete.`);
}

async function measureFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** @throws DaisError `backup_invalid`. */
function parseBlobLine(line: string): BackupBlob {
  try {
    return blobLine.parse(JSON.parse(line));
  } catch (error) {
    throw new DaisError('backup_invalid', `${BLOB_LIST} contains a line that is not an entry of a blob.`, {
      cause: error,
    });
  }
}
