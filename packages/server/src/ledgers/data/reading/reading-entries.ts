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
import type { DataParts } from '../data-parts.ts';
import { diffVersions } from './diff.ts';
import { exportVersion, readDatasetFile } from './files.ts';
import { queryData } from './query-data.ts';
import { findReadable, maskedView, withTables } from './read-version.ts';

export function readingEntries(parts: DataParts): readonly OperationEntry[] {
  return [
    entry(headDatasetVersionOperation, { perform: async (call) => await headVersion(parts, call) }),
    entry(queryDataOperation, { perform: async (call) => await queryData(parts, call) }),
    entry(diffDatasetVersionsOperation, { perform: async (call) => await diffVersions(parts, call) }),
    downloadEntry(readDatasetFileOperation, { perform: async (call) => await readDatasetFile(parts, call) }),
    downloadEntry(exportDatasetVersionOperation, { perform: async (call) => await exportVersion(parts, call) }),
  ];
}

async function headVersion(parts: DataParts, call: CallOf<typeof headDatasetVersionOperation>) {
  const { name, version: which, limit } = call.input;
  const readable = await findReadable(parts, call, `${name}@${which}`);
  const { version, masked } = readable;
  const engine = await parts.query();
  const result = await withTables(parts, { rows: version }, async (tables) => {
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
