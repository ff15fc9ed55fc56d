/** Operations on pipelines: versions, runs and the graph of a version. */
import {
  createPipelineVersionOperation,
  DaisError,
  deletePipelineVersionOperation,
  graphPipelineOperation,
  listPipelineVersionsOperation,
  readPipelineVersionOperation,
  runPipelineOperation,
  type PipelineGraph,
} from '@dais/api';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { presentWhole } from '../execution-rows.ts';
import type { Json } from '../machine/plan.ts';
import { authorizePlan, datasetAccessOf } from '../plan-permissions.ts';
import {
  addVersion,
  listVersions,
  presentVersion,
  removeVersion,
  requirePipeline,
  requireVersion,
} from './pipeline-rows.ts';
import { planGraph } from './plan-graph.ts';
import { inspectPipeline, startRun, type StartParts } from './start-run.ts';

export function pipelineEntries(parts: StartParts): readonly OperationEntry[] {
  return [
    entry(createPipelineVersionOperation, async (tx, call) => await createVersion(tx, call, parts)),
    entry(listPipelineVersionsOperation, list),
    entry(readPipelineVersionOperation, async ({ sql, projectId }, { input }) => {
      const row = await requireVersion(sql, await requirePipeline(sql, projectId, input.name), input.version);
      return { ...presentVersion(row), document: JSON.parse(row.document) as unknown };
    }),
    entry(deletePipelineVersionOperation, removeOne),
    entry(runPipelineOperation, async (tx, call) => await run(tx, call, parts)),
    entry(graphPipelineOperation, async (tx, call) => await graph(tx, call, parts)),
  ];
}

/** Creates a version. Errors are reported now rather than at the first run. */
async function createVersion(tx: Transaction, call: CallOf<typeof createPipelineVersionOperation>, parts: StartParts) {
  const { name, version, ...wanted } = call.input;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, name);
  await refuseOfManifest(tx, name);
  const { plan } = await inspectPipeline(tx, parts, { name, format: wanted.format, document: wanted.document });
  await authorizePlan(call, plan, { tx, data: parts.data });
  return presentVersion(await addVersion(tx, pipeline, { ...wanted, name: version }));
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

async function run(tx: Transaction, call: CallOf<typeof runPipelineOperation>, parts: StartParts) {
  const { input } = call;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, input.name);
  const version = await requireVersion(tx.sql, pipeline, input.version);
  const { title = pipeline.name, parameters, description, experimentId, priority, code } = input;
  const id = await startRun(tx, parts, {
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
    authorize: async (plan) => await authorizePlan(call, plan, { tx, data: parts.data }),
  });
  return await presentWhole(tx.sql, tx.projectId, id);
}

async function graph(
  tx: Transaction,
  { input }: CallOf<typeof graphPipelineOperation>,
  parts: StartParts,
): Promise<PipelineGraph> {
  const { name } = input;
  const pipeline = await requirePipeline(tx.sql, tx.projectId, name);
  const version = await requireVersion(tx.sql, pipeline, input.version);
  const document: unknown = JSON.parse(version.document);
  const { plan, parameters, warnings } = await inspectPipeline(tx, parts, { name, format: version.format, document });
  return {
    version: presentVersion(version),
    parameters: parameters as PipelineGraph['parameters'],
    ...planGraph(plan),
    warnings: [...warnings],
  };
}
