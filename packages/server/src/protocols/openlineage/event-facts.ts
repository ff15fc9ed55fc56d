/** Converts OpenLineage events to records of the lineage ledger. Pure. */
import type { LineageEvent } from '@dais/api/lineage';
import { keyOf, nodeKey, type ExternalLineage, type NotedEdge, type NotedNode } from '#ledgers/lineage/index.ts';

type Dataset = NonNullable<LineageEvent['dataset']>;
type Job = NonNullable<LineageEvent['job']>;

export interface Facts extends ExternalLineage {
  /** Runs that the event names, by the key that they have here unless they are runs of Dais. */
  readonly runs: ReadonlyMap<string, string>;
}

/** @param event validated by `lineageEventSchema` and `faultOf` */
export function factsOf(event: LineageEvent): Facts {
  const nodes: NotedNode[] = [];
  const edges: NotedEdge[] = [];
  const runs = new Map<string, string>();
  const add = (node: NotedNode) => {
    nodes.push(node);
    return node.key;
  };
  const { run, job, dataset, inputs = [], outputs = [] } = event;
  if (dataset !== undefined) add(datasetNode(dataset));
  const jobKey = job === undefined ? undefined : add(jobNode(job));
  // A JobEvent describes what its job reads and writes in every run: the job itself is the node between them.
  let center = jobKey;
  if (run !== undefined && job !== undefined && jobKey !== undefined) {
    const state = event.eventType === undefined || event.eventType === 'OTHER' ? {} : { state: event.eventType };
    center = add({
      key: keyOf('job-run', run.runId.toLowerCase()),
      name: job.name,
      data: { namespace: job.namespace, job: job.name, producer: event.producer, ...state },
    });
    runs.set(center, run.runId);
    edges.push({ from: jobKey, to: center, relation: 'instance' });
    const parent = run.facets?.parent;
    if (parent !== undefined) {
      const { namespace, name } = parent.job;
      const key = add({ key: keyOf('job-run', parent.run.runId.toLowerCase()), name, data: { namespace, job: name } });
      runs.set(key, parent.run.runId);
      if (key !== center) edges.push({ from: key, to: center, relation: 'child' });
    }
  }
  if (center !== undefined) {
    for (const one of inputs) edges.push({ from: add(datasetNode(one)), to: center, relation: 'read' });
    for (const one of outputs) edges.push({ from: center, to: add(datasetNode(one)), relation: 'made' });
  }
  return { nodes, edges, runs, at: Date.parse(event.eventTime) };
}

function jobNode({ namespace, name }: Job): NotedNode {
  return { key: nodeKey('job', namespace, name), name, data: { namespace, job: name } };
}

/** Each reported version is a separate node: the version before a change is not the current one. */
function datasetNode({ namespace, name, facets }: Dataset): NotedNode {
  const version = facets?.['version']?.['datasetVersion'];
  const source = facets?.['dataSource']?.['uri'];
  const versioned = typeof version === 'string' && version !== '' ? version.slice(0, 1024) : undefined;
  return {
    key: nodeKey('dataset', namespace, name, versioned ?? ''),
    name,
    data: {
      namespace,
      ...(versioned !== undefined && { version: versioned }),
      ...(typeof source === 'string' && { source: source.slice(0, 500) }),
    },
  };
}

/** Checks what the schema cannot express: which of the three event types it is. */
export function problemOf(event: LineageEvent): { readonly path: string; readonly message: string } | undefined {
  const { run, job, dataset } = event;
  if (dataset !== undefined) {
    if (run === undefined && job === undefined) return undefined;
    return { path: 'dataset', message: 'cannot be combined with `run` or `job`' };
  }
  if (job === undefined) return { path: 'job', message: 'is required, unless it is a DatasetEvent with `dataset`' };
  return undefined;
}
