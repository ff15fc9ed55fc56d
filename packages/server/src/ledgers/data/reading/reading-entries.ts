/** Operations that read rows. All of them apply the masks of the reader. */
import {
  diffDatasetVersionsOperation,
  exportDatasetVersionOperation,
  headDatasetVersionOperation,
  queryDataOperation,
  readDatasetFileOperation,
} from '@dais/api/data';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { downloadEntry, entry, type OperationEntry, type CallOf } from '#kernel/entry.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { diffVersions } from './diff.ts';
import { exportVersion, readDatasetFile } from './files.ts';
import { queryData } from './query-data.ts';
import { findReadable, maskedView, withTables } from './read-version.ts';

export function readingEntries(dependencies: DataDependencies): readonly OperationEntry[] {
  return [
    entry(headDatasetVersionOperation, { perform: async (call) => await headVersion(dependencies, call) }),
    entry(queryDataOperation, { perform: async (call) => await queryData(dependencies, call) }),
    entry(diffDatasetVersionsOperation, { perform: async (call) => await diffVersions(dependencies, call) }),
    downloadEntry(readDatasetFileOperation, { perform: async (call) => await readDatasetFile(dependencies, call) }),
    downloadEntry(exportDatasetVersionOperation, { perform: async (call) => await exportVersion(dependencies, call) }),
  ];
}

async function headVersion(dependencies: DataDependencies, call: CallOf<typeof headDatasetVersionOperation>) {
  const { name, version: which, limit } = call.input;
  const readable = await findReadable(dependencies, call, `${name}@${which}`);
  const { version, masked } = readable;
  const engine = await dependencies.query();
  const result = await withTables(dependencies, { rows: version }, async (tables) => {
    const query: Relation = { type: 'limit', from: maskedView('rows', readable), count: limit + 1 };
    const job = { tables, query, output: { type: 'rows', limit } as const, owner: call.tenant.id };
    return await engine.run(job, { signal: call.context.signal });
  });
  return {
    version: version.number,
    columns: result.columns.map(({ name: of, type }) => ({ name: of, type })),
    rows: result.rows,
    truncated: result.truncated,
    masked: masked.map((one) => one.column),
  };
}
