/** Records the inputs and outputs of a step as lineage edges, in the transaction that ends its attempt. */
import type { Execution } from '@dais/api/executions';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, nodeKey, noteLineage, type NotedEdge, type NotedNode } from '#ledgers/lineage/index.ts';
import type { Artifact, Values } from '../machine/plan.ts';
import { CODE_INPUT } from '../runs/native-plan.ts';

export interface StepFacts {
  readonly attempt: string;
  /** Name of the run. */
  readonly name: string;
  readonly run: string;
  readonly path: string;
  readonly inputs: Values;
  readonly code: Execution['code'] | undefined;
}

/** Returns the lineage key of an attempt. */
function stepKey(attempt: string): string {
  return keyOf('step', attempt);
}

/** Returns the lineage key of files: their run and path, not their digest, since equal files can be unrelated. */
function filesKey({ run, prefix }: Artifact): string {
  return nodeKey('files', run, prefix);
}

/** Records the origin of a tracked run when it starts, so that it is visible while the run is in progress. */
export function recordTrackedRun(tx: Transaction, of: StepFacts, trackingRun: string, now: number): void {
  const { nodes, edges } = origin(of);
  const started: NotedEdge = { from: stepKey(of.attempt), to: keyOf('run', trackingRun), relation: 'started' };
  noteLineage(tx, { nodes, edges: [...edges, started] }, now);
}

export function recordStep(tx: Transaction, of: StepFacts, outputs: Values, now: number): void {
  const { nodes, edges } = origin(of);
  const made = artifactsOf(outputs).map(({ name, artifact }) => ({
    name: `${of.name} / ${of.path} / ${name}`,
    artifact,
  }));
  noteLineage(
    tx,
    {
      nodes: [...nodes, ...made.map(({ name, artifact }) => filesNode(name, artifact))],
      edges: [
        ...edges,
        ...made.map(({ artifact }): NotedEdge => ({
          from: stepKey(of.attempt),
          to: filesKey(artifact),
          relation: 'made',
        })),
      ],
    },
    now,
  );
}

/** Records the outputs of a step that did not run as copies of the outputs of an equal step. */
export function recordCachedStep(tx: Transaction, of: StepFacts, from: Values, to: Values, now: number): void {
  const taken = new Map(artifactsOf(to).map(({ name, artifact }) => [name, artifact]));
  const nodes: NotedNode[] = [];
  const edges: NotedEdge[] = [];
  for (const { name, artifact } of artifactsOf(from)) {
    const copy = taken.get(name);
    if (copy === undefined || filesKey(copy) === filesKey(artifact)) continue;
    nodes.push(filesNode(`${of.name} / ${of.path} / ${name}`, copy));
    edges.push({ from: filesKey(artifact), to: filesKey(copy), relation: 'copied' });
  }
  noteLineage(tx, { nodes, edges }, now);
}

function origin(of: StepFacts): { readonly nodes: NotedNode[]; readonly edges: NotedEdge[] } {
  const to = stepKey(of.attempt);
  const nodes: NotedNode[] = [{ key: to, name: `${of.name} / ${of.path}`, data: { execution: of.run, step: of.path } }];
  const edges: NotedEdge[] = [];
  const { commit, repository } = of.code ?? {};
  if (commit !== undefined) {
    const key = nodeKey('commit', commit);
    nodes.push({ key, name: commit, data: { commit, ...(repository !== undefined && { repository }) } });
    edges.push({ from: key, to, relation: 'code' });
  }
  for (const { name, artifact } of artifactsOf(of.inputs)) {
    const isCode = name === CODE_INPUT;
    if (artifact.dataset !== undefined) {
      edges.push({ from: keyOf('dataset-version', artifact.dataset.id), to, relation: 'read' });
      continue;
    }
    if (isCode) nodes.push(filesNode(`code of ${of.name}`, artifact));
    edges.push({ from: filesKey(artifact), to, relation: isCode ? 'code' : 'read' });
  }
  return { nodes, edges };
}

function filesNode(name: string, artifact: Artifact): NotedNode {
  const { run, prefix, files, bytes, digest } = artifact;
  const data = { execution: run, prefix, files: String(files), bytes: String(bytes), digest };
  return { key: filesKey(artifact), name, data };
}

function artifactsOf(values: Values): readonly { readonly name: string; readonly artifact: Artifact }[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if ('artifact' in value) return [{ name, artifact: value.artifact }];
    return 'artifacts' in value ? value.artifacts.map((artifact) => ({ name, artifact })) : [];
  });
}
