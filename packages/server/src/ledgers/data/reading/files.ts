/** Downloads of version files, and exports of all visible rows as one file. */
import type { exportDatasetVersionOperation, readDatasetFileOperation } from '@dais/api/data';
import { createReadStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError, nearest } from '@dais/api';
import type { QueryOutput } from '#engines/query/contract.ts';
import type { Download } from '#kernel/content/download.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { contentOf, requireDataset } from '../dataset-rows.ts';
import { findReadable, maskedView, withTables } from './read-version.ts';

/** Downloads a file. @throws DaisError `forbidden` if columns are masked for the reader, `not_found`, `invalid_state`. */
export async function readDatasetFile(
  dependencies: DataDependencies,
  call: CallOf<typeof readDatasetFileOperation>,
): Promise<Download> {
  const { name, version: which, file } = call.input;
  const { version, masked } = await findReadable(dependencies, call, `${name}@${which}`);
  const found = version.files.find((one) => one.name === file);
  if (found === undefined) {
    const close = nearest(
      file,
      version.files.map((one) => one.name),
    );
    const hint = close === undefined ? '' : ` Did you mean ${close}?`;
    throw new DaisError('not_found', `${name}@${version.number} has no file ${file}.${hint}`);
  }
  if (found.uri !== undefined)
    throw new DaisError('invalid_state', `${file} is stored at ${found.uri}. Download it from there.`);
  if (masked.length > 0) {
    const columns = masked.map(({ column }) => column).join(', ');
    const detail = `Columns ${columns} of ${name} are masked for you, and the file contains them unmasked. Export the version instead, which creates a masked copy (\`dais data pull\`, operation datasetVersion.export).`;
    throw new DaisError('forbidden', detail);
  }
  const owner = await transact(dependencies.database, { mode: 'read', projectId: call.tenant.id }, async (tx) => {
    return contentOf(await requireDataset(tx, name));
  });
  const { size, sha256 } = await dependencies.content.stat(owner, found.digest);
  return { size, sha256, open: async (range) => (await dependencies.content.open(owner, found.digest, range)).bytes };
}

/** Creates the file, sends it, and deletes it. */
export async function exportVersion(
  dependencies: DataDependencies,
  call: CallOf<typeof exportDatasetVersionOperation>,
): Promise<Download> {
  const { name, version: which, format } = call.input;
  const readable = await findReadable(dependencies, call, `${name}@${which}`);
  const { version } = readable;
  const folder = join(dependencies.folder, 'export', uuidv7(dependencies.clock.now()));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const drop = async () => await rm(folder, { recursive: true, force: true });
  try {
    const engine = await dependencies.query();
    const path = join(folder, `rows.${format}`);
    const output: QueryOutput =
      format !== 'parquet' ? { type: format, path } : { type: 'parquet', folder, name: 'rows', split: { type: 'one' } };
    const result = await withTables(dependencies, { rows: version }, async (tables) => {
      const job = { tables, query: maskedView('rows', readable), output, owner: call.tenant.id };
      return await engine.run(job, { signal: call.context.signal });
    });
    const made = result.files[0]?.path ?? path;
    const { size } = await stat(made);
    // If the download never starts, the retention deletes the file.
    call.context.signal.addEventListener('abort', () => void drop(), { once: true });
    return {
      size,
      sha256: null,
      open: async (range) => {
        const stream = createReadStream(made, range ?? {});
        stream.on('close', () => void drop());
        return await Promise.resolve(stream);
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}
