/** The code that a run takes along. */
import { DaisError, type Execution } from '@dais/api';
import { attachContent, listReferences } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Artifact } from './machine/plan.ts';
import { CODE_INPUT } from './native-plan.ts';
import { filesDigest } from './worker/step-files.ts';

export interface CodeInput extends NonNullable<Execution['code']> {
  readonly files: readonly { readonly path: string; readonly upload: string; readonly executable: boolean }[];
}

/** Makes the uploaded files those of the run. */
export async function keepCode(tx: Transaction, run: string, { files }: CodeInput): Promise<Artifact> {
  const issues = files.flatMap(({ path }, index) =>
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
      ? []
      : [{ path: `code.files[${index}].path`, message: 'leaves the folder, or has an empty part' }],
  );
  if (issues.length > 0) throw new DaisError('unsafe_path', 'A file of the code lies outside of it.', { issues });
  const owner = { projectId: tx.projectId, uid: run };
  const prefix = CODE_INPUT;
  await attachContent(
    tx,
    owner,
    files.map(({ path, upload: lease }) => ({ lease, name: `${prefix}/${path}` })),
  );
  const executable = files.filter((file) => file.executable).map(({ path }) => path);
  const kept: { path: string; size: number; sha256: string; executable: boolean }[] = [];
  for (let after = ''; ;) {
    const page = await listReferences(tx, owner, { prefix: `${prefix}/`, after, limit: 1000 });
    for (const { name, size, sha256 } of page) {
      const path = name.slice(prefix.length + 1);
      kept.push({ path, size, sha256: sha256 ?? '', executable: executable.includes(path) });
    }
    after = page.at(-1)?.name ?? '';
    if (page.length < 1000) break;
  }
  return {
    run,
    prefix,
    folder: true,
    files: kept.length,
    bytes: kept.reduce((sum, { size }) => sum + size, 0),
    digest: filesDigest(kept),
    ...(executable.length > 0 && { executable }),
  };
}
