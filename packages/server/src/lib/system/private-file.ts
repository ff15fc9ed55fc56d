import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';

/** Writes a file that only its owner can read. After a crash it has its old content or the new one, never a part. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const partial = `${path}.${randomUUID()}`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, path);
}
