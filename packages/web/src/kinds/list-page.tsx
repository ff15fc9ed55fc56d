import type { Resource } from '@dais/api';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { cliCommand } from './cli-command.ts';
import { columnNames, readColumns, writeColumns } from './column-choice.ts';
import { ListPanels } from './kind-panels.tsx';
import { heading, plural, singular } from './kind-words.ts';
import { listColumns } from './list-columns.tsx';
import { useCopyForms } from './use-copy-forms.ts';
import { useKind } from './use-kind.ts';
import { useWhyNot } from './use-why-not.ts';
import { accessAddress, createAddress, listAddress, resourceAddress } from '#addresses.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { readAction } from '#server/own-access.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { ColumnMenu } from '#ui/column-menu.tsx';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { FilterBar } from '#ui/filter-bar.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { showReason } from '#ui/toast.ts';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import { withCode } from '#ui/with-code.tsx';

/** All resources of one kind, live, filtered and sorted by the URL. */
export function ListPage() {
  const kind = useKind();
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { labels = '', name = '', sort: sortText, columns: columnText = '', selected } = useAddressQuery();
  const { rows, complete, error, retry } = useLiveList(kind, project, labels);
  const shown = useMemo(() => named(rows, name), [rows, name]);
  const shownColumns = useMemo(() => readColumns(kind, columnText), [kind, columnText]);
  const columns = useMemo(() => listColumns(kind, project, shownColumns), [kind, project, shownColumns]);
  const known = useMemo(() => (rows ?? []).slice(0, 2000).map(({ metadata }) => metadata.labels), [rows]);
  /** Replaces the query of the URL, without a history entry. */
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, ...change }),
      replace: true,
    });
  const create = createAddress(kind, project);
  const why = useWhyNot(kind, project)('create');
  useShortcuts([{ keys: 'c', title: '', run: () => (why === undefined ? void navigate(create) : showReason(why)) }]);
  const open = useCallback(
    ({ metadata }: Resource) => void navigate(resourceAddress(kind, project, metadata.name)),
    [kind, project, navigate],
  );
  const words = plural(kind);
  const where = kind.scope === 'org' ? 'this organization' : project;
  const forms = useCopyForms({
    command: cliCommand(['get', kind.plural, ...(labels === '' ? [] : ['-l', labels])], kind, project),
    manifest:
      shown === undefined || shown.length === 0
        ? undefined
        : { title: manifestsTitle(shown.length), text: async () => await manifestsText(shown) },
    call: {
      project: kind.scope === 'org' ? undefined : project,
      path: `/api/v1/${kind.plural}`,
      query: { labels },
    },
  });
  const empty = rows?.length === 0 && complete && labels === '';
  return (
    <div className="page">
      <PageHead
        title={heading(words)}
        under={<span className="page-head-brief">{withCode(kind.description)}</span>}
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={why}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create {singular(kind)}
            </GuardedButton>
          </>
        }
      />
      {error !== undefined && (
        <ErrorNote error={error} retry={retry}>
          {error.code === 'forbidden' && (
            <p>
              <Link {...accessAddress(project, { action: readAction(kind), resource: kind.kind })}>
                Show why and what would allow it
              </Link>
            </p>
          )}
        </ErrorNote>
      )}
      <ListPanels kind={kind} project={project} />
      {shown === undefined && error !== undefined ? null : empty ? (
        <EmptyState
          sentence={`No ${words} in ${where} yet.`}
          command={cliCommand(['apply', '-f', `${kind.kind.toLowerCase()}.yaml`], kind, project)}
          example={kind.example}
        >
          <Link {...create}>Create one here</Link>, or read about the{' '}
          <a href={`docs/reference/kinds/${kind.plural}`} target="_blank" rel="noreferrer">
            kind {singular(kind)}
          </a>
          .
        </EmptyState>
      ) : (
        <>
          <FilterBar
            key={kind.kind}
            labels={labels}
            onLabels={(value) => update({ labels: value })}
            name={name}
            onName={(value) => update({ name: value })}
            known={known}
          >
            <span>{counted(shown?.length, rows?.length, complete)}</span>
            <ColumnMenu
              columns={columnNames(kind)}
              shown={shownColumns}
              onShown={(next) => update({ columns: writeColumns(kind, next) })}
              onReset={() => update({ columns: undefined })}
            />
          </FilterBar>
          {shown === undefined ? (
            error === undefined && <Skeleton rows={12} />
          ) : shown.length === 0 && complete ? (
            <EmptyState sentence="No matches.">
              <Link {...listAddress(kind, project)}>Clear filter {words}</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${kind.kind} ${project} ${labels} ${name} ${sortText}`}
              label={heading(words)}
              rows={shown}
              columns={columns}
              keyOf={nameOf}
              complete={complete}
              sort={readSort(sortText)}
              onSort={(sort) => update({ sort: writeSort(sort) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={open}
            />
          )}
        </>
      )}
    </div>
  );
}

/** `dais get -o yaml` handles more manifests than these. */
const MOST_MANIFESTS = 1000;

function manifestsTitle(count: number): string {
  return count > MOST_MANIFESTS
    ? `Manifests of the first ${MOST_MANIFESTS.toLocaleString('en')} rows`
    : `Manifests of all ${count.toLocaleString('en')} rows`;
}

async function manifestsText(rows: readonly Resource[]): Promise<string> {
  const { manifestText } = await import('./manifest-text.ts');
  return rows.slice(0, MOST_MANIFESTS).map(manifestText).join('---\n');
}

const nameOf = ({ metadata }: Resource) => metadata.name;

function named(rows: readonly Resource[] | undefined, part: string): readonly Resource[] | undefined {
  const lower = part.toLowerCase();
  return lower === '' ? rows : rows?.filter(({ metadata }) => metadata.name.toLowerCase().includes(lower));
}

function counted(shown: number | undefined, all: number | undefined, complete: boolean): string {
  if (shown === undefined || all === undefined) return 'Loading';
  const count =
    shown === all ? all.toLocaleString('en') : `${shown.toLocaleString('en')} of ${all.toLocaleString('en')}`;
  return complete ? count : `${count}, loading more`;
}
