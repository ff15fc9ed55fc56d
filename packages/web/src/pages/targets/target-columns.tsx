import type { Resource } from '@dais/api';
import { targetKind, type ComputeNode } from '@dais/api/executions';
import { isCluster, maxTasks, type TargetStatus } from './target-words.ts';
import { resourceAddress } from '#addresses.ts';
import { resourceState } from '#kinds/resource-state.ts';
import { RowLink } from '#kinds/row-link.tsx';
import type { TableColumn } from '#ui/resource-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

const TYPES: Readonly<Record<string, string>> = { kubernetes: 'Kubernetes', process: 'machines of the server' };

export function targetColumns(
  project: string,
  use: ReadonlyMap<string, ComputeNode>,
): readonly TableColumn<Resource>[] {
  const running = ({ metadata }: Resource) => use.get(metadata.name)?.runningSteps;
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(140px, 1.4fr)',
      cell: ({ metadata }) => (
        <RowLink address={resourceAddress(targetKind, project, metadata.name)}>{metadata.name}</RowLink>
      ),
      sortValue: ({ metadata }) => metadata.name,
    },
    {
      id: 'type',
      title: 'Type',
      width: '160px',
      cell: ({ spec }) => TYPES[String(spec['type'])] ?? String(spec['type']),
      sortValue: ({ spec }) => String(spec['type']),
    },
    {
      id: 'ready',
      title: 'Ready',
      width: '110px',
      cell: (target) => <TargetState target={target} />,
      sortValue: (target) => resourceState(target)?.word ?? '',
    },
    {
      id: 'version',
      title: 'Version',
      width: '100px',
      cell: ({ status }) => (status as TargetStatus).version ?? '',
      sortValue: ({ status }) => (status as TargetStatus).version ?? '',
    },
    {
      id: 'nodes',
      title: 'Nodes',
      width: '70px',
      end: true,
      cell: ({ status }) => nodesOf(status)?.toLocaleString('en'),
      sortValue: ({ status }) => nodesOf(status) ?? -1,
    },
    {
      id: 'running',
      title: 'Running steps',
      width: '130px',
      end: true,
      cell: (target) => running(target)?.toLocaleString('en'),
      sortValue: (target) => running(target) ?? 0,
    },
    {
      id: 'most',
      title: 'Maximum steps',
      width: '130px',
      end: true,
      cell: (target) => maxTasks(target)?.toLocaleString('en'),
      sortValue: (target) => maxTasks(target) ?? 0,
    },
    {
      id: 'description',
      title: 'Description',
      width: 'minmax(160px, 2fr)',
      cell: ({ spec }) => <span title={text(spec['description'])}>{text(spec['description'])}</span>,
    },
  ];
}

function TargetState({ target }: { readonly target: Resource }) {
  const state = resourceState(target);
  if (state !== undefined) return <StateBadge {...state} />;
  // Machines of the server have no test.
  return isCluster(target) ? <StateBadge state="waiting" word="Not tested yet" /> : null;
}

/** Unknown for a cluster that did not respond. */
function nodesOf({ version, nodes }: TargetStatus): number | undefined {
  return version === undefined ? undefined : nodes;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
