import { countNoun, type DaisError } from '@dais/api';
import {
  listNodesOperation,
  nodeWork,
  removeNodeOperation,
  type NodeRole,
  type NodeWork,
  type ServerNode,
} from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { bytesText } from '#pages/data/data-words.ts';
import { DrainDialog } from '#pages/nodes/drain-dialog.tsx';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useMay } from '#server/own-access.ts';
import { Confirm } from '#ui/confirm.tsx';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

const key = ['nodes'] as const;
/** As often as nodes report. */
const REFRESH_MS = 5000;
const MOST_NODES = 500;

const STATES: Readonly<Record<ServerNode['state'], State>> = {
  ready: 'ok',
  draining: 'running',
  drained: 'off',
  unreachable: 'failed',
  stopped: 'off',
};

/** The nodes of the installation: state, version, load, leases and last contact. */
export function NodesPage() {
  const { client } = useConsole();
  const queries = useQueryClient();
  const may = useMay(useCurrentProject());
  const [removing, setRemoving] = useState<ServerNode>();
  const [draining, setDraining] = useState<ServerNode>();
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listNodesOperation, { limit: MOST_NODES }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const remove = useMutation<void, DaisError, ServerNode>({
    mutationFn: async ({ id, host }) => {
      await client.perform(removeNodeOperation, { id });
      toast({ title: `Node on ${host} removed` });
      setRemoving(undefined);
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  return (
    <div className="page">
      <PageHead
        title="Nodes"
        under={
          <span className="dim">Each data folder on which Dais runs is a node. All nodes share the database.</span>
        }
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton rows={3} />}
      {data !== undefined && (
        <NodeTable
          nodes={data.items}
          remove={may('node:delete') === true ? setRemoving : undefined}
          drain={may('node:drain') === true ? setDraining : undefined}
        />
      )}
      {draining !== undefined && (
        <DrainDialog
          node={draining}
          done={() => queries.invalidateQueries({ queryKey: key })}
          close={() => setDraining(undefined)}
        />
      )}
      {removing !== undefined && (
        <Confirm
          title={`Remove the node on ${removing.host}?`}
          verb="Remove node"
          busy={remove.isPending}
          confirm={() => remove.mutate(removing)}
          close={() => setRemoving(undefined)}
        >
          <p>Its gateway number becomes free. If Dais starts on its data folder again, it registers again.</p>
          {remove.error !== null && <ErrorNote error={remove.error} />}
        </Confirm>
      )}
    </div>
  );
}

interface NodeTableProps {
  readonly nodes: readonly ServerNode[];
  /** Undefined: the viewer has no permission. */
  readonly remove: ((node: ServerNode) => void) | undefined;
  /** Opens the dialog that drains or resumes the node. Undefined: the viewer has no permission. */
  readonly drain: ((node: ServerNode) => void) | undefined;
}

function NodeTable({ nodes, remove, drain }: NodeTableProps) {
  return (
    <PlainTable
      label="Nodes"
      rows={nodes}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Host',
          cell: ({ host, id }) => (
            <>
              {host} <CopyButton text={id} label={`Copy the id of the node on ${host}`} />
            </>
          ),
        },
        { title: 'State', narrow: true, cell: (node) => <NodeState node={node} /> },
        { title: 'Role', narrow: true, cell: ({ role }) => <span title={workText(role)}>{role}</span> },
        { title: 'Version', narrow: true, cell: ({ version }) => version },
        {
          title: 'Gateway',
          narrow: true,
          about: 'Number of its gateway',
          cell: ({ role, gateway }) => (nodeWork[role].gateway ? gateway : ''),
        },
        {
          title: 'Load',
          narrow: true,
          about: 'Processor cores in use',
          cell: ({ load }) => load && `${load.busyCores.toFixed(1)} of ${load.cores} cores`,
        },
        { title: 'Memory', narrow: true, cell: ({ load }) => load && bytesText(load.memoryBytes) },
        { title: 'Leases', cell: ({ leases }) => leases.join(', ') },
        { title: 'Started', narrow: true, cell: ({ startedAt }) => <Time at={startedAt} /> },
        { title: 'Last contact', narrow: true, cell: ({ lastContactAt }) => <Time at={lastContactAt} /> },
        ...(remove === undefined && drain === undefined
          ? []
          : [
              {
                title: '',
                narrow: true,
                cell: (node: ServerNode) => <NodeActions node={node} remove={remove} drain={drain} />,
              },
            ]),
      ]}
    />
  );
}

const WORK_TEXTS: Readonly<Record<keyof NodeWork, string>> = {
  api: 'serves the API and the console',
  controller: 'runs background work',
  gateway: 'serves predictions',
  steps: 'runs steps',
};

function workText(role: NodeRole): string {
  const work = nodeWork[role];
  return (Object.keys(WORK_TEXTS) as (keyof NodeWork)[])
    .filter((one) => work[one])
    .map((one) => WORK_TEXTS[one])
    .join(', ');
}

function NodeState({ node: { state, drain } }: { readonly node: ServerNode }) {
  const running = drain === undefined ? [] : [countNoun(drain.jobs, 'job'), countNoun(drain.steps, 'step')];
  const runs = drain !== undefined && drain.jobs + drain.steps > 0;
  return (
    <>
      <StateBadge state={STATES[state]} word={state} />
      {runs && <div className="dim">{running.join(', ')} running</div>}
    </>
  );
}

function NodeActions({ node, remove, drain }: Omit<NodeTableProps, 'nodes'> & { readonly node: ServerNode }) {
  const { state } = node;
  return (
    <>
      {drain !== undefined && (state === 'ready' || node.drain !== undefined) && (
        <Button variant="default" onClick={() => drain(node)}>
          {node.drain === undefined ? 'Drain' : 'Resume'}
        </Button>
      )}{' '}
      {remove !== undefined && state !== 'ready' && state !== 'draining' && (
        <Button variant="default" onClick={() => remove(node)}>
          Remove
        </Button>
      )}
    </>
  );
}
