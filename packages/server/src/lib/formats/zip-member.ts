/** Extracts one file of a ZIP archive on the disk, such as a wheel. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { open, type Entry, type Options, type ZipFile } from 'yauzl';

const openArchive = promisify<string, Options, ZipFile>(open);

/**
 * Writes the member `name` to `target`, at most `maxBytes`. The caller verifies the archive's bytes with a digest;
 * checksums inside are not compared. @throws Error with the problem of the archive.
 */
export async function extractZipMember(archive: string, name: string, target: string, maxBytes: number): Promise<void> {
  const zip = await openArchive(archive, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    throw unreadable(archive, error);
  });
  try {
    const entry = await findEntry(zip, archive, name);
    if (entry === undefined) throw new Error(`${archive} has no member ${name}`);
    if (entry.uncompressedSize > maxBytes) {
      throw new Error(`${name} in ${archive} has ${entry.uncompressedSize} bytes, more than ${maxBytes}`);
    }
    // The stream fails when the member has more or fewer bytes than in its entry.
    const content = await promisify<Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip))(entry).catch(
      (error: unknown) => {
        throw unreadable(archive, error);
      },
    );
    await pipeline(content, createWriteStream(target, { flags: 'wx' })).catch((error: unknown) => {
      // Errors of the disk keep their code.
      throw error instanceof Error && 'syscall' in error ? error : unreadable(archive, error);
    });
  } finally {
    zip.close();
  }
}

async function findEntry(zip: ZipFile, archive: string, name: string): Promise<Entry | undefined> {
  return await new Promise((resolve, reject) => {
    zip.on('entry', (entry) => {
      if (entry.fileName === name) resolve(entry);
      else zip.readEntry();
    });
    zip.on('end', () => resolve(undefined));
    zip.on('error', (error: unknown) => reject(unreadable(archive, error)));
    zip.readEntry();
  });
}

function unreadable(archive: string, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`${archive} cannot be read as a ZIP archive: ${why}`, { cause: error });
}
