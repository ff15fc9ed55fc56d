import type { Resource } from '@dais/api';
import { targetKind } from '@dais/api/executions';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { targetColumns } from './target-columns.tsx';
import { useTargetUse } from './use-targets.ts';
import { computeAddress, createAddress, nodesAddress, resourceAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** Compute targets: state, version, nodes and running steps. */
export function TargetsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { sort = '', selected } = useAddressQuery();
  const { rows, complete, error, retry } = useLiveList(targetKind, project, '');
  const use = useTargetUse(project);
  const columns = useMemo(() => targetColumns(project, use), [project, use]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    ({ metadata }: Resource) => void navigate(resourceAddress(targetKind, project, metadata.name)),
    [navigate, project],
  );
  const create = createAddress(targetKind, project);
  const why = useWhyNot(targetKind, project)('create');
  const forms = useCopyForms({
    command: cliCommand(['get', targetKind.plural], targetKind, project),
    call: { project: undefined, path: `/api/v1/${targetKind.plural}` },
  });
  return (
    <div className="page">
      <PageHead
        title="Targets"
        under={
          <>
            <span className="page-head-brief">
              Kubernetes clusters where steps run. Other steps run on the machines of the server, the target{' '}
              <code>local</code>.
            </span>
            <Link {...computeAddress(project)}>Compute</Link>
            <Link {...nodesAddress()}>Nodes</Link>
          </>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={why}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create target
            </GuardedButton>
          </>
        }
      />
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {rows === undefined ? (
        error === undefined && <Skeleton rows={4} />
      ) : rows.length === 0 && complete ? (
        <EmptyState
          sentence="No targets yet: all steps run on the machines of the server. Add a cluster from a machine with its kubeconfig; the command also tests it."
          command={cliCommand(['target', 'add', 'NAME', '--kubeconfig', 'FILE'], targetKind, project)}
        >
          For the cluster in which Dais runs, use <code>--in-cluster</code>. <Link {...create}>Create one here</Link>,
          or read about{' '}
          <a href="docs/guide/kubernetes#run-steps-as-pods" target="_blank" rel="noreferrer">
            steps as pods
          </a>
          .
        </EmptyState>
      ) : (
        <ResourceTable
          key={sort}
          label="Targets"
          rows={rows}
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
    </div>
  );
}

const nameOf = ({ metadata }: Resource) => metadata.name;
