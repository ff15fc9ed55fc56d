import { readLineageOperation, type DaisError, type LineageGraph, type LineageNode } from '@dais/api';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { nodeLook, pictureLevel } from './lineage-picture.ts';
import { NODE_KINDS, nodeAddress } from './node-address.ts';
import { nodeWords } from './strip-steps.ts';
import { useAddressQuery } from '#server/address-parts.ts';
import { useClient } from '#server/console-context.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { layoutGraph } from '#ui/graph/graph-layout.ts';
import { GraphView } from '#ui/graph/graph-view.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import './lineage-graph.css';

/** As far as the picture goes; what is beyond it is asked for from one of its nodes. */
const DEPTH = 20;
const NODES = 500;

export interface LineageGraphTabProps {
  readonly project: string;
  /** `type:id`. */
  readonly node: string;
}

/** From the raw file to whatever exists downstream, as a picture. The address says which node is looked at. */
export function LineageGraphTab({ project, node }: LineageGraphTabProps) {
  const client = useClient(project);
  const navigate = useNavigate();
  const { node: chosen } = useAddressQuery();
  const { data, error, refetch } = useQuery<LineageGraph, DaisError>({
    queryKey: ['lineage', project, node, 'picture'],
    queryFn: async ({ signal }) =>
      await client.perform(readLineageOperation, { node, depth: DEPTH, limit: NODES }, { signal }),
  });
  const layout = useMemo(() => (data === undefined ? undefined : layoutGraph(pictureLevel(data))), [data]);
  const looks = useMemo(() => new Map(data?.nodes.map((one) => [one.node, nodeLook(one, data.root)])), [data]);
  const lookOf = useCallback((id: string) => looks.get(id), [looks]);
  const choose = useCallback(
    (id: string | undefined) =>
      void navigate({ to: '.', search: (before: object) => ({ ...before, node: id }), replace: true }),
    [navigate],
  );
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined || layout === undefined) return <Skeleton rows={8} />;
  if (data.nodes.length < 2) {
    return <EmptyState sentence="Nothing is known of where it came from, and nothing was made of it yet." />;
  }
  const about = data.nodes.find((one) => one.node === (chosen ?? data.root));
  return (
    <>
      <div className="lineage-picture">
        <GraphView
          label="Lineage"
          layout={layout}
          lookOf={lookOf}
          chosen={chosen}
          choose={choose}
          fold={() => undefined}
        />
      </div>
      {about !== undefined && <AboutNode project={project} node={about} root={about.node === data.root} />}
      {data.truncated && (
        <p className="dim">There is more than {NODES} nodes: the nearest ones are drawn. Go on from one of them.</p>
      )}
    </>
  );
}

interface AboutNodeProps {
  readonly project: string;
  readonly node: LineageNode;
  readonly root: boolean;
}

function AboutNode({ project, node, root }: AboutNodeProps) {
  if (node.hidden === true) return <p className="dim">Something that you may not see.</p>;
  const address = nodeAddress(project, node);
  const words = nodeWords(node);
  return (
    <p className="lineage-about" role="status">
      <span className="dim">{NODE_KINDS[node.type]}</span>{' '}
      {address === undefined || root ? <strong>{words}</strong> : <Link {...address}>{words}</Link>}
      {root && <span className="dim">, which this page is about</span>}
      {node.gone === true && <span className="dim">, deleted</span>}
      {node.at !== undefined && (
        <span className="dim">
          , <Time at={new Date(node.at).toISOString()} />
        </span>
      )}
    </p>
  );
}
