import { datasetKind, type Resource } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { catalogRow, findIn, type CatalogRow, type Found } from './catalog.ts';
import { bytesText, countText, VERSION_STATES } from './data-words.ts';
import { UploadDialog } from './upload-dialog.tsx';
import { useDataScope, useNewestVersions } from './use-data.ts';
import {
  createAddress,
  datasetVersionAddress,
  findingsAddress,
  listAddress,
  namedAddress,
  resourceAddress,
} from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { FilterBar } from '#ui/filter-bar.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './data.css';

interface Row extends CatalogRow {
  readonly found: readonly Found[];
}

/** All datasets of a project: content, freshness and whether they may be used. */
export function DatasetsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { labels = '', name = '', sort = '', selected } = useAddressQuery();
  const scope = useDataScope(project);
  const list = useLiveList(datasetKind, project, labels);
  const newest = useNewestVersions(scope);
  const [dropped, setDropped] = useState<readonly File[]>();
  const rows = useMemo(() => shownRows(list.rows, newest, name), [list.rows, newest, name]);
  const columns = useMemo(() => datasetColumns(project), [project]);
  const known = useMemo(() => (list.rows ?? []).slice(0, 2000).map(({ metadata }) => metadata.labels), [list.rows]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    (row: Row) => void navigate(resourceAddress(datasetKind, project, row.name)),
    [navigate, project],
  );
  const create = createAddress(datasetKind, project);
  const whyNotPush = useWhyNotDo(project, datasetKind.kind, ['dataset:push'])('dataset:push');
  const forms = useCopyForms({
    command: cliCommand(['get', datasetKind.plural, ...(labels === '' ? [] : ['-l', labels])], datasetKind, project),
    call: { project, path: `/api/v1/${datasetKind.plural}`, query: { labels } },
  });
  const push = cliCommand(['data', 'push', 'flights', 'flights.csv'], datasetKind, project);
  const drop = (event: React.DragEvent) => {
    event.preventDefault();
    if (whyNotPush === undefined && event.dataTransfer.files.length > 0) setDropped([...event.dataTransfer.files]);
  };
  return (
    // Files can be dropped anywhere on the page; the button is the alternative without a pointer.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- see above
    <div className="page" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <PageHead
        title="Datasets"
        under={
          <>
            <span className="page-head-brief">Versioned tables for training, evaluation and monitoring.</span>
            <Link {...findingsAddress(project)}>Personal data findings</Link>
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={useWhyNot(datasetKind, project)('create')}
              variant="default"
              link={(props) => <Link {...create} {...props} />}
            >
              Create dataset
            </GuardedButton>
            <GuardedButton
              why={whyNotPush}
              hint="Or drop files anywhere on this page"
              leftSection={<Icon name="plus" />}
              onClick={() => setDropped([])}
            >
              Upload files
            </GuardedButton>
          </>
        }
      />
      {list.error !== undefined && <ErrorNote error={list.error} retry={list.retry} />}
      {rows === undefined ? (
        list.error === undefined && <Skeleton rows={12} />
      ) : rows.length === 0 && list.complete && labels === '' && name === '' ? (
        <EmptyState sentence={`No datasets in ${project} yet.`} command={push}>
          Upload a file above, <Link {...create}>write a manifest</Link>, or follow the tutorial{' '}
          <a href="docs/tutorial/from-csv-to-a-trusted-dataset" target="_blank" rel="noreferrer">
            From CSV to a trusted dataset
          </a>
          .
        </EmptyState>
      ) : (
        <>
          <FilterBar
            labels={labels}
            onLabels={(value) => update({ labels: value })}
            name={name}
            onName={(value) => update({ name: value })}
            nameHint="Name, column, owner, tag  /"
            known={known}
          >
            <span>{countText(rows.length)}</span>
          </FilterBar>
          {rows.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...listAddress(datasetKind, project)}>Show all datasets</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${labels} ${name} ${sort}`}
              label="Datasets"
              rows={rows}
              columns={columns}
              keyOf={keyOfRow}
              complete={list.complete}
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={open}
            />
          )}
        </>
      )}
      {dropped !== undefined && <UploadDialog project={project} files={dropped} close={() => setDropped(undefined)} />}
    </div>
  );
}

const keyOfRow = (row: Row) => row.name;

function shownRows(
  resources: readonly Resource[] | undefined,
  newest: ReadonlyMap<string, DatasetVersion> | undefined,
  search: string,
): readonly Row[] | undefined {
  return resources?.flatMap((resource) => {
    const row = catalogRow(resource, newest?.get(resource.metadata.name));
    const found = findIn(row, search);
    return found === undefined ? [] : [{ ...row, found }];
  });
}

function datasetColumns(project: string): readonly TableColumn<Row>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(140px, 2fr)',
      cell: ({ name, found }) => (
        <>
          <RowLink address={resourceAddress(datasetKind, project, name)}>{name}</RowLink>
          {found
            .filter((one) => one.in !== 'name' && one.in !== 'description')
            .map((one) => (
              <span key={`${one.in} ${one.text}`} className="label-chip data-found" title={`Found in its ${one.in}`}>
                {one.text}
              </span>
            ))}
        </>
      ),
      sortValue: ({ name }) => name,
    },
    {
      id: 'state',
      title: 'Latest version',
      width: '140px',
      cell: ({ name, newest, status }) => {
        if (newest === undefined) {
          return status.newestVersion === undefined ? (
            <span className="dim">none yet</span>
          ) : (
            <RowLink address={datasetVersionAddress(project, name, status.newestVersion)}>
              version {status.newestVersion}
            </RowLink>
          );
        }
        return (
          <span className="data-version-cell">
            <RowLink address={datasetVersionAddress(project, name, newest.number)}>{newest.number}</RowLink>
            <StateBadge {...VERSION_STATES[newest.state]} why={newest.reason} />
          </span>
        );
      },
      sortValue: ({ newest }) => newest?.state ?? '',
    },
    {
      id: 'ready',
      title: 'Ready version',
      width: '65px',
      cell: ({ name, status: { latestVersion } }) =>
        latestVersion === undefined ? (
          <span className="dim">none</span>
        ) : (
          <RowLink address={datasetVersionAddress(project, name, latestVersion)}>{latestVersion}</RowLink>
        ),
      sortValue: ({ status }) => status.latestVersion ?? 0,
    },
    {
      id: 'rows',
      title: 'Rows',
      width: '90px',
      end: true,
      cell: ({ status, newest }) => countOf(status.rows ?? newest?.rows),
      sortValue: ({ status, newest }) => status.rows ?? newest?.rows ?? -1,
    },
    {
      id: 'bytes',
      title: 'Size',
      width: '80px',
      end: true,
      cell: ({ status, newest }) => {
        const bytes = status.bytes ?? newest?.bytes;
        return bytes === undefined ? '' : bytesText(bytes);
      },
      sortValue: ({ status, newest }) => status.bytes ?? newest?.bytes ?? -1,
    },
    {
      id: 'columns',
      title: 'Columns',
      width: '80px',
      end: true,
      cell: ({ columns, status }) => countOf(columns.length === 0 ? status.columns : columns.length),
      sortValue: ({ columns, status }) => (columns.length === 0 ? (status.columns ?? -1) : columns.length),
    },
    {
      id: 'fresh',
      title: 'Created',
      width: '95px',
      cell: (row) => {
        const at = madeAt(row);
        return at === undefined ? null : <Time at={new Date(at).toISOString()} />;
      },
      sortValue: (row) => -(madeAt(row) ?? 0),
    },
    {
      id: 'owner',
      title: 'Owner',
      width: '90px',
      cell: ({ spec: { owner } }) => {
        const address = owner === undefined ? undefined : namedAddress('Team', project, owner);
        return address === undefined ? null : <RowLink address={address}>{owner}</RowLink>;
      },
      sortValue: ({ spec }) => spec.owner ?? '',
    },
    {
      id: 'tags',
      title: 'Tags',
      width: '100px',
      cell: ({ newest }) =>
        newest?.tags.slice(0, 4).map((tag) => (
          <span key={tag} className="label-chip">
            {tag}
          </span>
        )),
    },
    {
      id: 'description',
      title: 'Description',
      width: 'minmax(140px, 2fr)',
      cell: ({ spec }) => <span title={spec.description}>{spec.description}</span>,
    },
  ];
}

function countOf(count: number | undefined): string {
  return count === undefined ? '' : countText(count);
}

/** Creation time of the version in use; without one, of the newest. */
function madeAt({ status, newest }: Row): number | undefined {
  return status.updatedAt === undefined ? newest?.createdAt : Date.parse(status.updatedAt);
}
