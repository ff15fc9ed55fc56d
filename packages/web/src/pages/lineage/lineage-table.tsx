import type { LineageNode } from '@dais/api/lineage';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Walk } from './fold-lineage.ts';
import { lineageContent } from './lineage-picture.ts';
import { NODE_KINDS, nodeAddress } from './node-address.ts';
import { nodeWords } from './strip-steps.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface LineageTableProps {
  readonly project: string;
  readonly root: string;
  readonly walk: Walk;
  readonly nodes: readonly LineageNode[];
  readonly chosen: string | undefined;
  readonly choose: (node: string) => void;
  readonly sort: string | undefined;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** The same graph as a table with one node per row: for searches, and for screen readers. */
export function LineageTable({ project, root, walk, nodes, chosen, choose, sort, update }: LineageTableProps) {
  const columns = useMemo(() => columnsOf(project, root, walk), [project, root, walk]);
  return (
    <ResourceTable
      label="Nodes of the lineage"
      rows={nodes}
      columns={columns}
      keyOf={keyOf}
      complete
      sort={readSort(sort)}
      onSort={(next) => update({ sort: writeSort(next) })}
      selected={chosen}
      onSelect={choose}
      onOpen={({ node }) => update({ node, view: undefined })}
    />
  );
}

const keyOf = ({ node }: LineageNode) => node;

function columnsOf(project: string, root: string, walk: Walk): readonly TableColumn<LineageNode>[] {
  const steps = ({ node }: LineageNode) => walk.steps.get(node) ?? Infinity;
  const side = ({ node }: LineageNode) =>
    node === root ? 'current' : walk.downstream.has(node) ? 'downstream' : 'origin';
  return [
    {
      id: 'name',
      title: 'Object',
      width: 'minmax(200px, 3fr)',
      sortValue: nodeWords,
      cell: (node) => {
        const address = node.node === root ? undefined : nodeAddress(project, node);
        const words = node.hidden === true ? 'hidden (no permission)' : nodeWords(node);
        return address === undefined ? (
          <span title={words}>{words}</span>
        ) : (
          <RowLink address={address}>{words}</RowLink>
        );
      },
    },
    {
      id: 'kind',
      title: 'Kind',
      width: 'minmax(130px, 1fr)',
      sortValue: ({ type }) => NODE_KINDS[type],
      cell: ({ type }) => NODE_KINDS[type],
    },
    { id: 'side', title: 'Direction', width: '100px', sortValue: side, cell: side },
    {
      id: 'steps',
      title: 'Distance (hops)',
      width: '100px',
      end: true,
      sortValue: steps,
      cell: (node) => (Number.isFinite(steps(node)) ? steps(node) : '–'),
    },
    {
      id: 'state',
      title: 'State',
      width: '130px',
      sortValue: (node) => lineageContent(node, root).note ?? '',
      cell: (node) => {
        const { state, note } = lineageContent(node, root);
        return node.gone === true ? (
          <StateBadge state="off" word="deleted" />
        ) : note === undefined || node.node === root ? null : (
          <StateBadge state={state} word={note} />
        );
      },
    },
    {
      id: 'show',
      title: 'In the graph',
      width: '90px',
      cell: ({ node }) => (
        <Link to="." search={(now: object) => ({ ...now, node, view: undefined })} tabIndex={-1}>
          Show
        </Link>
      ),
    },
    {
      id: 'at',
      title: 'Since',
      width: '110px',
      sortValue: ({ at }) => at ?? 0,
      cell: ({ at }) => at !== undefined && <Time at={new Date(at).toISOString()} />,
    },
  ];
}
