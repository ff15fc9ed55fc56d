/** Operations that read rows: each passes through the masks of its reader. */
import {
  diffDatasetVersionsOperation,
  exportDatasetVersionOperation,
  headDatasetVersionOperation,
  queryDataOperation,
  readDatasetFileOperation,
} from '@dais/api/data';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { DataParts } from '../data-parts.ts';
import { diffVersions, type DiffInput } from './diff.ts';
import { exportVersion, readDatasetFile, type ExportInput, type FileInput } from './files.ts';
import { headVersion, type HeadInput } from './head.ts';
import { queryData, type QueryDataInput } from './query-data.ts';

export function readingEntries(parts: DataParts): readonly OperationEntry[] {
  return [
    {
      operation: headDatasetVersionOperation,
      perform: async (call: Call<HeadInput>) => await headVersion(parts, call),
    },
    { operation: queryDataOperation, perform: async (call: Call<QueryDataInput>) => await queryData(parts, call) },
    {
      operation: diffDatasetVersionsOperation,
      perform: async (call: Call<DiffInput>) => await diffVersions(parts, call),
    },
    {
      operation: readDatasetFileOperation,
      perform: async (call: Call<FileInput>) => await readDatasetFile(parts, call),
    },
    {
      operation: exportDatasetVersionOperation,
      perform: async (call: Call<ExportInput>) => await exportVersion(parts, call),
    },
  ];
}
