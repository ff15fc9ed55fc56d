import type { Column, KindSpec, Resource } from '@dais/api';
import { referencedKind, schemaAt } from '@dais/api';
import { conditionOfPath, valueAt, valueText } from './column-value.ts';
import { conditionsOf, conditionState, resourceState } from './resource-state.ts';
import { RowLink } from './row-link.tsx';
import { namedAddress, resourceAddress } from '#addresses.ts';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import type { TableColumn } from '#ui/resource-table.tsx';

/** Columns of a kind's list: its name and the selected ones of its KindSpec columns, labels and times. */
export function listColumns(
  kind: KindSpec,
  project: string,
  shown: ReadonlySet<string>,
): readonly TableColumn<Resource>[] {
  return allColumns(kind, project).filter(({ id }) => id === 'name' || shown.has(id));
}

function allColumns(kind: KindSpec, project: string): readonly TableColumn<Resource>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(200px, 2fr)',
      cell: ({ metadata }) => (
        <>
          <RowLink address={resourceAddress(kind, project, metadata.name)}>{metadata.name}</RowLink>
          {metadata.deletionRequestedAt !== undefined && (
            <>
              {' '}
              <StateBadge state="waiting" word="Deleting" />
            </>
          )}
        </>
      ),
      sortValue: ({ metadata }) => metadata.name,
    },
    ...kind.columns.map((column) => kindColumn(kind, column, project)),
    {
      id: 'labels',
      title: 'Labels',
      width: 'minmax(140px, 1.4fr)',
      cell: ({ metadata }) =>
        Object.entries(metadata.labels).map(([key, value]) => (
          <span key={key} className="label-chip">
            {value === '' ? key : `${key}=${value}`}
          </span>
        )),
    },
    {
      id: 'changed',
      title: 'Updated',
      width: '110px',
      cell: ({ metadata }) => <Time at={metadata.updatedAt} />,
      sortValue: ({ metadata }) => metadata.updatedAt,
    },
    {
      id: 'age',
      title: 'Created',
      width: '110px',
      cell: ({ metadata }) => <Time at={metadata.createdAt} />,
      sortValue: ({ metadata }) => metadata.createdAt,
    },
  ];
}

function kindColumn(kind: KindSpec, column: Column, project: string): TableColumn<Resource> {
  const base = { id: column.path, title: column.title, width: 'minmax(120px, 1fr)' };
  const condition = conditionOfPath(column.path);
  if (condition !== undefined) {
    return {
      ...base,
      cell: (resource) => <ConditionCell resource={resource} type={condition} />,
      sortValue: (resource) => resourceState(resource)?.word ?? '',
    };
  }
  const schema = schemaAt(kind.spec, column.path.split('.').slice(1), {});
  const reference = schema === undefined || !column.path.startsWith('spec.') ? undefined : referencedKind(schema);
  return {
    ...base,
    cell: (resource) => {
      const value = valueAt(resource, column.path);
      const address =
        reference === undefined || typeof value !== 'string' ? undefined : namedAddress(reference, project, value);
      if (address !== undefined) return <RowLink address={address}>{valueText(value)}</RowLink>;
      const text = valueText(value);
      return <span title={text}>{text}</span>;
    },
    sortValue: (resource) => {
      const value = valueAt(resource, column.path);
      return typeof value === 'number' ? value : valueText(value);
    },
  };
}

function ConditionCell({ resource, type }: { readonly resource: Resource; readonly type: string }) {
  const found = conditionsOf(resource).find((one) => one.type === type);
  return found === undefined ? null : <StateBadge {...conditionState(found, resource.metadata.generation)} />;
}
