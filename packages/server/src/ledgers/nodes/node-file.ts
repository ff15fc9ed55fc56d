/** `node.json` in the data folder: which node runs there. The gateway reads its number from it without a database. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const nodeFileSchema = z.object({
  id: z.uuid(),
  /** The control process that wrote it last. */
  holder: z.uuid(),
  gateway: z.int().min(0).max(4095),
});
export type NodeFile = z.infer<typeof nodeFileSchema>;

const nodeFile = (data: string) => join(data, 'node.json');

/** Undefined before the first start, and where the file is damaged: the next start makes another node. */
export async function readNodeFile(data: string): Promise<NodeFile | undefined> {
  const text = await readFile(nodeFile(data), 'utf8').catch(() => '');
  try {
    return nodeFileSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export async function writeNodeFile(data: string, node: NodeFile): Promise<void> {
  const partial = `${nodeFile(data)}.${randomUUID()}`;
  const handle = await open(partial, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(node)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, nodeFile(data));
}
