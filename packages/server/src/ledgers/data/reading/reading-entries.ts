/** Operations that read rows. All of them apply the masks of the reader. */
import {
  diffDatasetVersionsOperation,
  exportDatasetVersionOperation,
  headDatasetVersionOperation,
  queryDataOperation,
  readDatasetFileOperation,
} from '@dais/api/data';
import { downloadEntry, entry, type OperationEntry } from '#kernel/entry.ts';
import type { DataParts } from '../data-parts.ts';
import { diffVersions } from './diff.ts';
import { exportVersion, readDatasetFile } from './files.ts';
import { headVersion } from './head.ts';
import { queryData } from './query-data.ts';

export function readingEntries(parts: DataParts): readonly OperationEntry[] {
  return [
    entry(headDatasetVersionOperation, { perform: async (call) => await headVersion(parts, call) }),
    entry(queryDataOperation, { perform: async (call) => await queryData(parts, call) }),
    entry(diffDatasetVersionsOperation, { perform: async (call) => await diffVersions(parts, call) }),
    downloadEntry(readDatasetFileOperation, { perform: async (call) => await readDatasetFile(parts, call) }),
    downloadEntry(exportDatasetVersionOperation, { perform: async (call) => await exportVersion(parts, call) }),
  ];
}
