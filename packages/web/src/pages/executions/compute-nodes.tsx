import { targetKind, type ComputeNode } from '@dais/api/executions';
import { Link } from '@tanstack/react-router';
import { amountText, resourceNames, resourceTitle } from './compute-words.ts';
import { listAddress, resourceAddress } from '#addresses.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { UsageMeter } from '#ui/usage-meter.tsx';

/** The machines of the server with their use. */
export function Machines({ nodes }: { readonly nodes: readonly ComputeNode[] }) {
  return (
    <Panel title="Machines" flush={nodes.length > 0}>
      {nodes.length === 0 ? (
        <EmptyState sentence="No worker machines are connected. Start a server with the worker role." />
      ) : (
        <PlainTable
          label="Worker machines"
          rows={nodes}
          keyOf={({ name }) => name}
          columns={[{ title: 'Machine', cell: ({ name }: ComputeNode) => name }, ...amountColumns(nodes)]}
        />
      )}
    </Panel>
  );
}

/** Compute targets with their use. Absent without targets: most installations have none. */
export function Targets({ project, nodes }: { readonly project: string; readonly nodes: readonly ComputeNode[] }) {
  if (nodes.length === 0) return null;
  return (
    <Panel title="Targets" flush actions={<Link {...listAddress(targetKind, project)}>All targets</Link>}>
      <PlainTable
        label="Compute targets"
        rows={nodes}
        keyOf={({ name }) => name}
        columns={[
          {
            title: 'Target',
            cell: ({ name }: ComputeNode) => <Link {...resourceAddress(targetKind, project, name)}>{name}</Link>,
          },
          ...amountColumns(nodes),
        ]}
      />
    </Panel>
  );
}

/** Running steps and requested resources of machines or targets. */
function amountColumns(nodes: readonly ComputeNode[]) {
  const names = resourceNames(...nodes.map(({ resources }) => resources));
  return [
    {
      title: 'Running steps',
      cell: ({ name, runningSteps, concurrency }: ComputeNode) => (
        <Amount label={`Running steps of ${name}`} resource="steps" used={runningSteps} limit={concurrency} />
      ),
    },
    ...names.map((resource) => ({
      title: `${resourceTitle(resource)} requested`,
      cell: ({ name, resources, used }: ComputeNode) => (
        <Amount
          label={`${resourceTitle(resource)} of ${name}`}
          resource={resource}
          used={used[resource] ?? 0}
          limit={resources[resource]}
        />
      ),
    })),
  ];
}

interface AmountProps {
  readonly label: string;
  readonly resource: string;
  readonly used: number;
  readonly limit: number | undefined;
}

function Amount({ label, resource, used, limit }: AmountProps) {
  if (limit === undefined) return used === 0 ? '–' : amountText(resource, used);
  const text = `${Number(used.toPrecision(4)).toLocaleString('en')} of ${amountText(resource, limit)}`;
  const bytes =
    resource === 'memory' || resource === 'disk'
      ? `${amountText(resource, used)} of ${amountText(resource, limit)}`
      : text;
  return (
    <span className="amount">
      <UsageMeter label={label} used={used} limit={limit} text={bytes} /> {bytes}
    </span>
  );
}
