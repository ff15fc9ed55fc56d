/** The columns of a new version. */
import { DaisError, type DatasetSpec, type Issue } from '@dais/api';
import { MOST_COLUMNS, type DataColumn } from '@dais/api/data';
import type { Column, TableDescription } from '#engines/query/contract.ts';

export interface VersionColumns {
  readonly columns: readonly DataColumn[];
  /** Whether to ignore columns of a file that are not listed; otherwise they are an error. */
  readonly ignoreExtra: boolean;
}

/**
 * Determines the columns from the manifest, else from the previous version, else from the files. `describe` infers them from the
 * files, and is called only if needed.
 * @throws DaisError `data_invalid`.
 */
export async function determineColumns(
  spec: Pick<DatasetSpec, 'columns' | 'schemaChanges' | 'keys' | 'sensitive' | 'eventTime' | 'label'>,
  before: readonly DataColumn[] | undefined,
  describe: () => Promise<TableDescription>,
): Promise<VersionColumns> {
  const columns = await choose(spec, before, describe);
  const issues = [...shapeIssues(columns), ...missingIssues(spec, columns)];
  if (issues.length > 0) {
    throw new DaisError('data_invalid', issues.map(({ message }) => message).join(' '), { issues });
  }
  return { columns, ignoreExtra: false };
}

async function choose(
  { columns, schemaChanges }: Pick<DatasetSpec, 'columns' | 'schemaChanges'>,
  before: readonly DataColumn[] | undefined,
  describe: () => Promise<TableDescription>,
): Promise<readonly DataColumn[]> {
  if (columns !== undefined) return columns.map(({ name, type, nullable }) => ({ name, type, nullable }));
  if (before !== undefined && schemaChanges === 'refuse') return before;
  const found = (await describe()).columns.map(({ name, type }): DataColumn => ({ name, type, nullable: true }));
  if (before === undefined || schemaChanges === 'any') return found;
  const known = new Set(before.map(({ name }) => name));
  return [...before, ...found.filter(({ name }) => !known.has(name))];
}

function shapeIssues(columns: readonly DataColumn[]): Issue[] {
  if (columns.length > MOST_COLUMNS) {
    return [
      {
        message: `The data has ${columns.length} columns, more than the limit of ${MOST_COLUMNS}. Store the values as a list, or as rows.`,
      },
    ];
  }
  const seen = new Map<string, string>();
  return columns.flatMap(({ name }) => {
    const other = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), name);
    if (other === undefined) return [];
    return [
      {
        path: name,
        message: `The column names ${other} and ${name} are equal when case is ignored. Rename one of them.`,
      },
    ];
  });
}

/** Checks that columns named in the manifest exist. */
function missingIssues(
  { keys = [], eventTime, label }: Pick<DatasetSpec, 'keys' | 'eventTime' | 'label'>,
  columns: readonly DataColumn[],
): Issue[] {
  const existing = new Set(columns.map(({ name }) => name));
  const required = [
    ...keys.map((name) => ['spec.keys', name] as const),
    ...(eventTime === undefined ? [] : [['spec.eventTime', eventTime] as const]),
    ...(label === undefined ? [] : [['spec.label', label] as const]),
  ];
  return required
    .filter(([, name]) => !existing.has(name))
    .map(([path, name]) => ({ path, message: `The data has no column ${name}, which ${path} names.` }));
}

export function engineColumns(columns: readonly DataColumn[]): readonly Column[] {
  return columns.map(({ name, type }) => ({ name, type: type as Column['type'] }));
}
