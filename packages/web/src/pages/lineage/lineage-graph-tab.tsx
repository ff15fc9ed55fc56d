import type { DaisError } from '@dais/api';
import { readLineageOperation, type LineageGraph, type LineageNode } from '@dais/api/lineage';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { foldLineage, MORE_OF_FAN, SHOWN_OF_FAN, walkLineage, type Fan } from './fold-lineage.ts';
import { fanContent, lineageContent, pictureLevel } from './lineage-picture.ts';
import { LineageTable } from './lineage-table.tsx';
import { NODE_KINDS, nodeAddress } from './node-address.ts';
import { nodeWords } from './strip-steps.ts';
import { lineageAddress } from '#addresses.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { Button } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { layoutGraph } from '#ui/graph/graph-layout.ts';
import { GraphView } from '#ui/graph/graph-view.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import './lineage-graph.css';

/** Maximum depth of a response; beyond it, the graph is requested from another node. */
const DEPTH = 50;
const NODES = 5000;
/** Maximum number of search results. */
const FOUND = 8;

export interface LineageGraphTabProps {
  readonly project: string;
  /** `type:id`. */
  readonly node: string;
}

/** The lineage graph, upstream and downstream. The URL has the selected node, the search and the view. */
export function LineageGraphTab({ project, node }: LineageGraphTabProps) {
  const client = useClient(project);
  const { data, error, refetch } = useQuery<LineageGraph, DaisError>({
    queryKey: ['lineage', project, node, 'picture'],
    queryFn: async ({ signal }) =>
      await client.perform(readLineageOperation, { node, depth: DEPTH, limit: NODES }, { signal }),
    // Comparing five thousand nodes takes longer than drawing them.
    structuralSharing: false,
    staleTime: 60_000,
  });
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={8} />;
  if (data.nodes.length < 2) {
    return <EmptyState sentence="No lineage yet: no inputs are recorded and nothing was derived." />;
  }
  return <Explorer key={data.root} project={project} graph={data} />;
}

function Explorer({ project, graph }: { readonly project: string; readonly graph: LineageGraph }) {
  const navigate = useNavigate();
  const { node: chosen, find = '', view, sort } = useAddressQuery();
  const walk = useMemo(() => walkLineage(graph), [graph]);
  const [open, setOpen] = useState<ReadonlyMap<string, number>>(new Map());
  const reveal = useMemo(() => (chosen !== undefined && walk.byKey.has(chosen) ? [chosen] : []), [chosen, walk]);
  const folded = useMemo(() => foldLineage(graph, walk, { open, reveal }), [graph, walk, open, reveal]);
  const found = useMemo(() => findNodes(graph.nodes, find), [graph, find]);
  const update = useCallback(
    (change: Readonly<Record<string, string | undefined>>) =>
      void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true }),
    [navigate],
  );
  const choose = useCallback((node: string | undefined) => update({ node }), [update]);
  const more = ({ id, first }: Fan) => {
    setOpen((before) => new Map(before).set(id, (before.get(id) ?? SHOWN_OF_FAN) + MORE_OF_FAN));
    choose(first);
  };
  const asTable = view === 'table';
  const fan = folded.fans.find(({ id }) => id === chosen);
  const about = walk.byKey.get(chosen ?? graph.root) ?? walk.byKey.get(graph.root);
  return (
    <>
      <div className="filter">
        <PausingInput
          label="Name contains"
          value={find}
          onValue={(value) => update({ find: value === '' ? undefined : value })}
          placeholder="Name contains"
          className="filter-name"
        />
        <Button variant="default" onClick={() => update({ view: asTable ? undefined : 'table' })}>
          {asTable ? 'Show as graph' : 'Show as table'}
        </Button>
        <span role="status" className="filter-summary">
          {countText(graph, find === '' ? undefined : found.length)}
          {!asTable && folded.fans.length > 0 && `, ${folded.nodes.length.toLocaleString('en')} shown individually`}
        </span>
      </div>
      {asTable ? (
        <LineageTable
          project={project}
          root={graph.root}
          walk={walk}
          nodes={found}
          chosen={chosen}
          choose={choose}
          sort={sort}
          update={update}
        />
      ) : (
        <>
          {find !== '' && <Found nodes={found} choose={choose} />}
          <Picture graph={graph} folded={folded} chosen={chosen} choose={choose} more={more} />
          {fan !== undefined ? (
            <p className="lineage-about" role="status">
              {fanContent(fan).about}{' '}
              <Button size="compact-xs" variant="default" onClick={() => more(fan)}>
                Show {Math.min(fan.count, MORE_OF_FAN)} of them
              </Button>
            </p>
          ) : (
            about !== undefined && <AboutNode project={project} node={about} root={about.node === graph.root} />
          )}
        </>
      )}
      {graph.truncated && (
        <p className="dim">
          The graph has more than {NODES.toLocaleString('en')} nodes. The nearest ones are shown; open one to continue
          from it.
        </p>
      )}
    </>
  );
}

function countText({ nodes }: LineageGraph, found: number | undefined): string {
  const all = `${nodes.length.toLocaleString('en')} nodes`;
  return found === undefined ? all : `${found.toLocaleString('en')} of ${all}`;
}

function findNodes(nodes: readonly LineageNode[], text: string): readonly LineageNode[] {
  if (text === '') return nodes;
  const part = text.toLowerCase();
  return nodes.filter((node) => node.hidden !== true && nodeWords(node).toLowerCase().includes(part));
}

/** Search results: a selected one is shown in the graph with its path. */
function Found({ nodes, choose }: { readonly nodes: readonly LineageNode[]; readonly choose: (node: string) => void }) {
  return (
    <p className="lineage-found">
      {nodes.length === 0 && <span className="dim">No matches.</span>}
      {nodes.slice(0, FOUND).map((node) => (
        <Button key={node.node} size="compact-xs" variant="default" onClick={() => choose(node.node)}>
          {nodeWords(node)}
        </Button>
      ))}
      {nodes.length > FOUND && <span className="dim"> and {(nodes.length - FOUND).toLocaleString('en')} more</span>}
    </p>
  );
}

interface PictureProps {
  readonly graph: LineageGraph;
  readonly folded: ReturnType<typeof foldLineage>;
  readonly chosen: string | undefined;
  readonly choose: (node: string | undefined) => void;
  readonly more: (fan: Fan) => void;
}

function Picture({ graph, folded, chosen, choose, more }: PictureProps) {
  const layout = useMemo(() => layoutGraph(pictureLevel(folded)), [folded]);
  const contents = useMemo(
    () =>
      new Map([
        ...folded.nodes.map((one) => [one.node, lineageContent(one, graph.root)] as const),
        ...folded.fans.map((fan) => [fan.id, fanContent(fan)] as const),
      ]),
    [folded, graph],
  );
  const contentOf = useCallback((id: string) => contents.get(id), [contents]);
  return (
    <div className="lineage-picture">
      <GraphView
        label="Lineage"
        layout={layout}
        contentOf={contentOf}
        chosen={chosen}
        start={graph.root}
        choose={choose}
        fold={(id) => {
          const fan = folded.fans.find((one) => one.id === id);
          if (fan !== undefined) more(fan);
        }}
      />
    </div>
  );
}

interface AboutNodeProps {
  readonly project: string;
  readonly node: LineageNode;
  readonly root: boolean;
}

function AboutNode({ project, node, root }: AboutNodeProps) {
  if (node.hidden === true) return <p className="dim">You have no permission to view this node.</p>;
  const address = nodeAddress(project, node);
  const words = nodeWords(node);
  return (
    <p className="lineage-about" role="status">
      <span className="dim">{NODE_KINDS[node.type]}</span>{' '}
      {address === undefined || root ? <strong>{words}</strong> : <Link {...address}>{words}</Link>}
      {root && <span className="dim">(current)</span>}
      {node.gone === true && <span className="dim">, deleted</span>}
      {node.at !== undefined && (
        <span className="dim">
          , <Time at={new Date(node.at).toISOString()} />
        </span>
      )}
      {!root && (
        <>
          {' '}
          <Link {...lineageAddress(project, node.node)}>Show its lineage</Link>
        </>
      )}
    </p>
  );
}
