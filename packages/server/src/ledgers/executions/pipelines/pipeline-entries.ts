/** Operations on pipelines: versions, runs and the graph of a version. */
import { DaisError } from '@dais/api';
import {
  createPipelineVersionOperation,
  deletePipelineVersionOperation,
  graphPipelineOperation,
  listPipelineVersionsOperation,
  readPipelineVersionOperation,
  runPipelineOperation,
  startExecutionOperation,
  type Execution,
  type PipelineGraph,
} from '@dais/api/executions';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { needsOf, type Graph, type Json } from '../machine/plan.ts';
import { authorizePlan, datasetAccessOf } from '../runs/plan-permissions.ts';
import { presentWhole } from '../views/execution-rows.ts';
import {
  addVersion,
  listVersions,
  presentVersion,
  removeVersion,
  requirePipeline,
  requireVersion,
} from './pipeline-rows.ts';
import { inspectPipeline, startRun, type StartDependencies } from './start-run.ts';

export function pipelineEntries(dependencies: StartDependencies): readonly OperationEntry[] {
  return [
    entry(createPipelineVersionOperation, async (tx, call) => await createVersion(tx, call, dependencies)),
    entry(listPipelineVersionsOperation, list),
    entry(readPipelineVersionOperation, async ({ sql, projectId }, { input }) => {
      const row = await requireVersion(sql, await requirePipeline(sql, projectId, input.name), input.version);
      return { ...presentVersion(row), document: JSON.parse(row.document) as unknown };
    }),
    entry(deletePipelineVersionOperation, removeOne),
    entry(runPipelineOperation, async (tx, call) => await run(tx, call, dependencies)),
    entry(graphPipelineOperation, async (tx, call) => await graph(tx, call, dependencies)),
  ];
}

/** Creates a version. Errors are reported now rather than at the first run. */
async function createVersion(
  tx: Transaction,
  call: CallOf<typeof createPipelineVersionOperation>,
  dependencies: StartDependencies,
) {
  const { name, version, ...requested } = call.input;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, name);
  await refuseOfManifest(tx, name);
  const { plan } = await inspectPipeline(tx, dependencies, {
    name,
    format: requested.format,
    document: requested.document,
  });
  await authorizePlan(call, plan, { tx, data: dependencies.data });
  return presentVersion(await addVersion(tx, pipeline, { ...requested, name: version }));
}

/** @throws DaisError `other_origin` */
async function refuseOfManifest({ sql, projectId }: Transaction, name: string): Promise<void> {
  const resource = await readResource(sql, projectId, 'Pipeline', name);
  if (resource?.spec['steps'] === undefined) return;
  const detail = `The versions of Pipeline "${name}" come from its manifest. Change spec.steps in the manifest instead.`;
  throw new DaisError('other_origin', detail);
}

async function list({ sql, projectId }: Transaction, { input }: CallOf<typeof listPipelineVersionsOperation>) {
  const pipeline = await requirePipeline(sql, projectId, input.name);
  const filter = [projectId, pipeline.uid, 'versions'];
  const before = decodeNumberCursor(filter, input.cursor);
  const page = { before: before === undefined ? undefined : Number(before), limit: input.limit + 1 };
  const rows = await listVersions(sql, pipeline, page);
  const cut = cutPage(rows, input.limit, filter, ({ n }) => String(n));
  return { items: cut.page.map(presentVersion), ...cut.next };
}

async function removeOne(
  tx: Transaction,
  { input }: CallOf<typeof deletePipelineVersionOperation>,
): Promise<Record<string, never>> {
  const pipeline = await requirePipeline(tx.sql, tx.projectId, input.name);
  const version = await requireVersion(tx.sql, pipeline, input.version);
  await removeVersion(tx, pipeline, version);
  return {};
}

async function run(tx: Transaction, call: CallOf<typeof runPipelineOperation>, dependencies: StartDependencies) {
  const { input } = call;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, input.name);
  const version = await requireVersion(tx.sql, pipeline, input.version);
  const { title = pipeline.name, parameters, description, experimentId, priority, code } = input;
  const id = await startRun(tx, dependencies, {
    name: title,
    pipelineName: pipeline.name,
    pipeline: pipeline.uid,
    pipelineVersion: version.id,
    format: version.format,
    document: JSON.parse(version.document),
    // The schema does not describe the items of lists and objects. The dispatcher rejects values that are not JSON.
    parameters: parameters as Readonly<Record<string, Json>>,
    description,
    experimentId,
    priority,
    code,
    may: datasetAccessOf(call),
    authorize: async (plan) => await authorizePlan(call, plan, { tx, data: dependencies.data }),
  });
  return await presentWhole(tx.sql, tx.projectId, id);
}

async function graph(
  tx: Transaction,
  { input }: CallOf<typeof graphPipelineOperation>,
  dependencies: StartDependencies,
): Promise<PipelineGraph> {
  const { name } = input;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, name);
  const version = await requireVersion(tx.sql, pipeline, input.version);
  const document: unknown = JSON.parse(version.document);
  const { plan, parameters, warnings } = await inspectPipeline(tx, dependencies, {
    name,
    format: version.format,
    document,
  });
  return {
    version: presentVersion(version),
    parameters: parameters as PipelineGraph['parameters'],
    ...planGraph(plan),
    warnings: [...warnings],
  };
}

const MOST_NODES = 5000;

function planGraph(plan: Graph): Pick<PipelineGraph, 'nodes' | 'edges' | 'more'> {
  const nodes: PipelineGraph['nodes'] = [];
  const edges: PipelineGraph['edges'] = [];
  let more = false;
  const visit = (graph: Graph, below: string): void => {
    for (const [name, task] of Object.entries(graph.tasks)) {
      if (nodes.length >= MOST_NODES) {
        more = true;
        return;
      }
      const path = `${below}${name}`;
      const group = 'graph' in task.body;
      nodes.push({
        path,
        kind: task.each !== undefined ? 'loop' : group ? 'graph' : 'step',
        group,
        conditional: task.when !== undefined,
        always: task.after === 'completed',
      });
      edges.push(...needsOf(task).map((need) => ({ from: `${below}${need}`, to: path })));
      if ('graph' in task.body) visit(task.body.graph, `${path}/`);
    }
  };
  visit(plan, '');
  const shown = new Set(nodes.map(({ path }) => path));
  return { nodes, edges: edges.filter(({ from, to }) => shown.has(from) && shown.has(to)), more };
}

/** Limit in bytes. The metadata is read with every run, so documents must not be stored there. */
const LARGEST_ABOUT = 1024 * 1024;

export function runStart(dependencies: StartDependencies): readonly OperationEntry[] {
  return [entry(startExecutionOperation, async (tx, call) => await start(tx, call, dependencies))];
}

async function start(
  tx: Transaction,
  call: CallOf<typeof startExecutionOperation>,
  dependencies: StartDependencies,
): Promise<Execution> {
  const { name, description, parameters, experimentId, about, priority } = call.input;
  const bytes = about === undefined ? 0 : JSON.stringify(about).length;
  if (bytes > LARGEST_ABOUT) {
    throw new DaisError(
      'too_large',
      `The metadata of the pipeline run (\`about\`) has ${bytes} bytes, and the limit is ${LARGEST_ABOUT}.`,
    );
  }
  const id = await startRun(tx, dependencies, {
    ...(await sourceOf(tx, call)),
    name,
    description,
    // The schema does not describe the items of lists and objects. The dispatcher rejects values that are not JSON.
    parameters: parameters as Readonly<Record<string, Json>>,
    experimentId,
    about,
    priority,
    may: datasetAccessOf(call),
    authorize: async (plan) => await authorizePlan(call, plan, { tx, data: dependencies.data }),
  });
  return await presentWhole(tx.sql, tx.projectId, id);
}

async function sourceOf({ sql, projectId }: Transaction, call: CallOf<typeof startExecutionOperation>) {
  const { format, document, pipeline, version } = call.input;
  if ((pipeline === undefined) === (document === undefined)) {
    const issues = [
      {
        path: 'document',
        message: 'exactly one of document and pipeline is required',
        expected: 'document or pipeline',
      },
    ];
    throw new DaisError('invalid_request', 'Specify either a document or a pipeline to run.', { issues });
  }
  if (pipeline !== undefined) {
    await call.authorize({ kind: 'Pipeline', name: pipeline }, call.tenant, 'pipeline:run');
    const head = await requirePipeline(sql, projectId, pipeline);
    const kept = await requireVersion(sql, head, version);
    const document: unknown = JSON.parse(kept.document);
    return { format: kept.format, document, pipelineName: head.name, pipeline: head.uid, pipelineVersion: kept.id };
  }
  if (format === undefined) {
    const issues = [{ path: 'format', message: 'is required with a document', expected: 'a pipeline format' }];
    throw new DaisError('invalid_request', 'Specify the format of the document.', { issues });
  }
  return { format, document };
}
