/** Stores the code of a run. */
import { DaisError } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import { attachContent, findReference, linkContent, listReferences } from '#kernel/content/references.ts';
import { byteQuota } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Artifact } from '../machine/plan.ts';
import { CODE_INPUT } from './native-plan.ts';
import { filesDigest } from '../worker/step-files.ts';

export interface CodeInput extends NonNullable<Execution['code']> {
  readonly files: readonly CodeFile[];
}

type CodeFile = { readonly path: string; readonly executable: boolean } & (
  | { readonly upload: string }
  /** A file of the code of another run, referenced by run and path, so that the read permission can be checked. */
  | { readonly same: { readonly run: string; readonly path: string; readonly sha256: string } }
);

/** Each file takes several statements in the transaction that submits the run. */
const MOST_SAME = 2000;

/**
 * Attaches the files to the run. `mayRead` checks whether the caller may read the code of other runs; absent: all files
 * must be uploaded. @throws DaisError
 */
export async function storeCode(
  tx: Transaction,
  run: string,
  { files }: CodeInput,
  mayRead?: () => Promise<void>,
): Promise<Artifact> {
  const issues = files.flatMap(({ path }, index) =>
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
      ? []
      : [
          {
            path: `code.files[${index}].path`,
            message: 'must be a relative path inside the folder, without empty segments',
          },
        ],
  );
  if (issues.length > 0)
    throw new DaisError('unsafe_path', 'The path of a code file is not inside the code folder.', { issues });
  const owner = { projectId: tx.projectId, uid: run };
  const prefix = CODE_INPUT;
  await attachContent(
    tx,
    owner,
    files.flatMap((file) => ('upload' in file ? { lease: file.upload, name: `${prefix}/${file.path}` } : [])),
  );
  const same = files.flatMap((file) => ('same' in file ? { to: file.path, ...file.same } : []));
  if (same.length > 0) await linkSame(tx, run, same, mayRead);
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

interface SameFile {
  readonly to: string;
  readonly run: string;
  readonly path: string;
  readonly sha256: string;
}

async function linkSame(
  tx: Transaction,
  run: string,
  files: readonly SameFile[],
  mayRead: (() => Promise<void>) | undefined,
): Promise<void> {
  if (mayRead === undefined || files.length > MOST_SAME) {
    const most = mayRead === undefined ? 0 : MOST_SAME;
    const detail = `${files.length} code files refer to files of other runs, and the limit is ${most}. Upload the others.`;
    throw new DaisError('invalid_request', detail);
  }
  await mayRead();
  const { projectId } = tx;
  const quota = await byteQuota(tx, projectId);
  // All transactions lock in this order, so that they cannot deadlock.
  for (const { to, path, sha256, run: from } of files.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1))) {
    const there = { projectId, uid: from, name: `${CODE_INPUT}/${path}` };
    const found = await findReference(tx, there);
    if (found.sha256 !== sha256) {
      throw new DaisError(
        'content_missing',
        `File ${path} of run ${from} has a different digest than given. Upload your file.`,
      );
    }
    await linkContent(tx, there, { projectId, uid: run, name: `${CODE_INPUT}/${to}` }, { quota });
  }
}
