/** The data folder: owner, permissions, and the PostgreSQL version that wrote it. */
import { access, constants, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findLocalServer } from '#connection/local-server.ts';
import { ok, problem, warning, type Finding } from '#doctor/finding.ts';

/** uid of this process. */
export async function checkDataFolder(folder: string, uid: number): Promise<Finding[]> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) {
    if (found.code === 'ENOENT') return [ok('data', `${folder} is created by the first \`dais up\``)];
    return [problem('data', `${folder} cannot be read (${found.code})`, `Run as its owner, or use --data.`)];
  }
  if (!found.isDirectory()) return [problem('data', `${folder} is not a folder`, 'Move it away, or use --data.')];
  if (found.uid !== uid && uid !== 0) {
    const remedy = `Run as user ${found.uid}, or use another --data folder.`;
    return [problem('data', `${folder} belongs to user ${found.uid}, and this is user ${uid}`, remedy)];
  }
  if (!(await isWritable(folder))) {
    return [problem('data', `${folder} is not writable`, 'Is its disk mounted read-only? chmod u+rwx, or use --data.')];
  }
  const open = (found.mode & 0o077) !== 0;
  return [
    open
      ? warning(
          'data',
          `${folder} is open to other users (mode ${(found.mode & 0o777).toString(8)})`,
          `chmod 700 ${folder}`,
        )
      : ok('data', folder),
    await checkHolder(folder),
  ];
}

async function isWritable(folder: string): Promise<boolean> {
  return await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function checkHolder(folder: string): Promise<Finding> {
  const server = await findLocalServer(folder);
  return server === undefined
    ? ok('in use', 'not in use')
    : ok('in use', `in use by process ${server.pid}, at ${server.url}`);
}

/** `own`: the major version of the bundled PostgreSQL. */
export async function checkDataVersion(folder: string, own: number): Promise<Finding | undefined> {
  const text = await readFile(join(folder, 'postgres', 'cluster', 'PG_VERSION'), 'utf8').catch(() => undefined);
  const major = text === undefined ? undefined : Number.parseInt(text, 10);
  if (major === undefined || major === own) return undefined;
  return problem(
    'data version',
    `the data was written by PostgreSQL ${major}; this release includes ${own}`,
    'Run with the release that wrote it: dais admin export FILE. Then with this release, on a new data folder: dais admin import FILE.',
  );
}
