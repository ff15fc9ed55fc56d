/** Operations on artifacts in a folder of this machine, found by the artifact location of their run or logged model. */
import { fileURLToPath } from 'node:url';
import { DaisError } from '@dais/api';
import { listArtifactFilesOperation, readArtifactFileOperation } from '@dais/api/tracking';
import { downloadEntry, entry, type Call, type OperationEntry } from '#kernel/entry.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { artifactPath } from '../artifact-path.ts';
import type { ArtifactDependencies } from '../artifact-dependencies.ts';
import { ArtifactFolder } from './artifact-folder.ts';

export function folderEntries(dependencies: ArtifactDependencies): readonly OperationEntry[] {
  const { database, folderRoot } = dependencies;
  const folder = folderRoot === undefined ? undefined : new ArtifactFolder(fileURLToPath(folderRoot));
  const locate = async ({ tenant }: Call, home: string, path: string | undefined) => {
    const below = path === undefined ? [] : artifactPath(path).split('/');
    const known = async (tx: Transaction) => await isKnown(tx, home);
    const inside = folderRoot === undefined ? undefined : partsOf(home, folderRoot);
    if (folder === undefined || inside === undefined) throw elsewhere(home);
    if (!(await transact(database, { mode: 'read', projectId: tenant.id }, known))) throw elsewhere(home);
    return { folder, at: [...inside, ...below] };
  };
  return [
    entry(listArtifactFilesOperation, {
      perform: async (call) => {
        const { home, path, limit, cursor } = call.input;
        const { folder: files, at } = await locate(call, home, path);
        const binding = ['artifactFile.list', home, path ?? ''];
        const after = decodePageCursor(binding, cursor) ?? '';
        const { items, last } = await files.list(at, { limit, after });
        return { items, ...(last !== undefined && { nextCursor: encodePageCursor(binding, last) }) };
      },
    }),
    downloadEntry(readArtifactFileOperation, {
      perform: async (call) => {
        const { folder: files, at } = await locate(call, call.input.home, call.input.path);
        return await files.read(at);
      },
    }),
  ];
}

/** Returns whether the path is below the location of an experiment of this project. */
async function isKnown({ sql, projectId }: Transaction, home: string): Promise<boolean> {
  const rows = await sql.query(
    `select 1 from tracking.experiment where project_id = $1 and artifact_location is not null
       and starts_with($2, rtrim(artifact_location, '/') || '/') limit 1`,
    [projectId, home],
    'artifact_folder_known',
  );
  return rows.length > 0;
}

/** Returns the path segments below the root. Undefined: the URI is not below it. */
function partsOf(home: string, root: string): readonly string[] | undefined {
  if (!home.startsWith(`${root}/`)) return undefined;
  const parts = home
    .slice(root.length + 1)
    .replace(/\/+$/, '')
    .split('/');
  return parts.every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part)) ? parts : undefined;
}

function elsewhere(home: string): DaisError {
  return new DaisError(
    'invalid_request',
    `The artifacts are stored at ${home.slice(0, 200)}, not in Dais. Read them there, with the credentials of that store.`,
  );
}
