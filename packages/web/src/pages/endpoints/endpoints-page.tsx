import type { Resource } from '@dais/api';
import { endpointKind } from '@dais/api/serving';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { endpointColumns } from './endpoint-columns.tsx';
import { createAddress, listAddress, predictionsAddress, resourceAddress } from '#addresses.ts';
import { cliCommand, daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { FilterBar } from '#ui/filter-bar.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** All endpoints of a project: serving versions, latency, error rate and rollouts. */
export function EndpointsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { labels = '', name = '', sort = '', selected } = useAddressQuery();
  const { rows, complete, error, retry } = useLiveList(endpointKind, project, labels);
  const shown = useMemo(
    () => rows?.filter(({ metadata }) => metadata.name.toLowerCase().includes(name.toLowerCase())),
    [rows, name],
  );
  const columns = useMemo(() => endpointColumns(project), [project]);
  const known = useMemo(() => (rows ?? []).slice(0, 2000).map(({ metadata }) => metadata.labels), [rows]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    ({ metadata }: Resource) => void navigate(resourceAddress(endpointKind, project, metadata.name)),
    [navigate, project],
  );
  const create = createAddress(endpointKind, project);
  const forms = useCopyForms({
    command: cliCommand(['get', endpointKind.plural, ...(labels === '' ? [] : ['-l', labels])], endpointKind, project),
    call: { project, path: `/api/v1/${endpointKind.plural}`, query: { labels } },
  });
  return (
    <div className="page">
      <PageHead
        title="Endpoints"
        under={
          <>
            <span className="page-head-brief">Metrics cover the last 10 s.</span>
            <Link {...predictionsAddress(project)}>Predictions</Link>
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={useWhyNot(endpointKind, project)('create')}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create endpoint
            </GuardedButton>
          </>
        }
      />
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {shown === undefined ? (
        error === undefined && <Skeleton rows={12} />
      ) : rows?.length === 0 && complete && labels === '' ? (
        <EmptyState
          sentence={`No endpoints in ${project} yet. Deploy a model version to create one.`}
          command={daisCommand(['deploy', 'models:/MODEL@champion', '--to', 'ENDPOINT', '--wait'], project)}
        >
          <Link {...create}>Create one here</Link>, or read about{' '}
          <a href="docs/guide/serve-a-model" target="_blank" rel="noreferrer">
            serving a model
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
            known={known}
          >
            <span>{shown.length.toLocaleString('en')}</span>
          </FilterBar>
          {shown.length === 0 && complete ? (
            <EmptyState sentence="No matches.">
              <Link {...listAddress(endpointKind, project)}>Show all endpoints</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${labels} ${name} ${sort}`}
              label="Endpoints"
              rows={shown}
              columns={columns}
              keyOf={nameOf}
              complete={complete}
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
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

const nameOf = ({ metadata }: Resource) => metadata.name;
