import type { StagedBlob, StoredBlob } from './contract.ts';

/** Publishes staged bytes, and discards them when that fails. @throws as `commit` */
export async function putStaged(staged: StagedBlob): Promise<StoredBlob> {
  try {
    await staged.commit();
  } catch (error) {
    await staged.discard();
    throw error;
  }
  return { locator: staged.locator, size: staged.size, sha256: staged.sha256 };
}
