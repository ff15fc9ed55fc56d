/** `node.json` in the data folder: which node runs there. The gateway reads its number from it without a database. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFile } from '#lib/system/private-file.ts';

const nodeFileSchema = z.object({
  id: z.uuid(),
  /**
   * The database contains one of them for this node, the first while a start has not committed its claim: the file is written
   * before and after the claim, so that a process that is killed in between does not lose its node.
   */
  claims: z.array(z.uuid()).min(1).max(2),
  /** Epoch of the database to which the node belongs. Absent in files of earlier versions. */
  installation: z.uuid().optional(),
  /** Absent before the first claim of the node. */
  gateway: z.int().min(0).max(4095).optional(),
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
  await writePrivateFile(nodeFile(data), `${JSON.stringify(node)}\n`);
}
