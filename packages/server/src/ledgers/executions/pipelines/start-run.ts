/** Compiles a pipeline and submits a run of it. */
import { DaisError } from '@dais/api';
import type { Environments } from '#engines/environments/contract.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Graph, Json } from '../machine/plan.ts';
import { storeCode, type CodeInput } from '../runs/run-code.ts';
import { placeholderVersion, type DatasetAccess, type StepData } from '../worker/step-data.ts';
import { submitRun, type RunOrigin, type SubmitDependencies } from '../runs/submit.ts';
import { findVersion } from '../runs/plan-permissions.ts';
import type { CompiledPipeline, CompileOptions, Fire, PipelineCompilers } from './compiler.ts';
import { imageRules } from './image-rules.ts';
import { chooseTargets, defaultTarget, LOCAL_TARGET } from '../targets/step-targets.ts';
import { newestVersion } from './pipeline-rows.ts';

export interface StartDependencies extends SubmitDependencies {
  readonly compilers: PipelineCompilers;
  readonly solo: boolean;
  readonly environments: () => Promise<Environments>;
  readonly data?: StepData;
}

export interface StartRequest extends Omit<RunOrigin, 'warnings'> {
  /** Default: a new id. */
  readonly id?: string;
  readonly name: string;
  readonly format: string;
  /** The document of a version, or a document without a Pipeline. */
  readonly document: unknown;
  /** Name of the pipeline, to detect pipelines that run themselves. */
  readonly pipelineName?: string | undefined;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly priority: number;
  readonly code?: CodeInput | undefined;
  readonly fire?: Fire | undefined;
  /** Permissions of the starter on datasets. Absent: the platform starts the run. */
  readonly may?: DatasetAccess;
  /** Authorizes what the steps use. @throws DaisError `forbidden` */
  readonly authorize: (plan: Graph) => Promise<void>;
}

/** Starts a run and returns its id. @throws DaisError `invalid_request` with all errors; then only code was written. */
export async function startRun(
  tx: Transaction,
  dependencies: StartDependencies,
  request: StartRequest,
): Promise<string> {
  const { id = uuidv7(), name, format, document, pipelineName = name, parameters, fire, authorize } = request;
  const { code, priority, ...origin } = request;
  const compiler = compilerOf(dependencies, format);
  const artifact = code === undefined || code.files.length === 0 ? undefined : await storeCode(tx, id, code);
  const options = { name: pipelineName, runId: id, parameters, code: artifact, solo: dependencies.solo, fire };
  const { plan, inputs, warnings } = await compiler.compile(document, {
    ...options,
    ...compilerContext(tx, dependencies),
    dataset: async (reference) => await findVersion(tx, dependencies, reference, request.may),
  });
  const placed = await chooseTargets(tx, plan);
  await authorize(placed);
  const { files: _, ...about } = code ?? { files: [] };
  await submitRun(tx, dependencies, {
    ...originOf(origin),
    id,
    name,
    plan: placed,
    inputs,
    priority,
    warnings,
    code: code === undefined ? undefined : about,
  });
  return id;
}

function originOf(origin: RunOrigin): RunOrigin {
  const { description, pipeline, pipelineVersion, schedule, experimentId, about } = origin;
  return { description, pipeline, pipelineVersion, schedule, experimentId, about };
}

/** Compiles a pipeline for inspection, without a run. @throws DaisError as a run would. */
export async function inspectPipeline(
  tx: Transaction,
  dependencies: Omit<StartDependencies, 'machines'>,
  { name, format, document }: { readonly name: string; readonly format: string; readonly document: unknown },
): Promise<CompiledPipeline> {
  const options = { name, runId: uuidv7(), parameters: undefined, code: undefined, solo: dependencies.solo };
  return await compilerOf(dependencies, format).compile(document, {
    ...options,
    ...compilerContext(tx, dependencies),
    dataset: async (reference) => await Promise.resolve(placeholderVersion(reference.split('@')[0] ?? '')),
  });
}

function compilerOf({ compilers }: Pick<StartDependencies, 'compilers'>, format: string) {
  const compiler = compilers.get(format);
  if (compiler !== undefined) return compiler;
  const known = [...compilers.keys()].join(', ');
  throw new DaisError('invalid_request', `The pipeline format "${format}" is not supported.`, {
    issues: [{ path: 'format', message: 'unknown format', expected: known }],
  });
}

function compilerContext(tx: Transaction, { environments }: Pick<StartDependencies, 'environments'>) {
  return {
    pipeline: otherPipelines(tx),
    images: async () => await imageRules(tx, await defaultTarget(tx)),
    // Other targets pull images themselves.
    imageProblem: async () =>
      (await defaultTarget(tx)) === LOCAL_TARGET ? await (await environments()).problem('image') : undefined,
  };
}

function otherPipelines({ sql, projectId }: Transaction): CompileOptions['pipeline'] {
  return async (name) => {
    const resource = await readResource(sql, projectId, 'Pipeline', name);
    const version = resource === undefined ? undefined : await newestVersion(sql, resource.uid);
    return version === undefined ? undefined : { format: version.format, document: JSON.parse(version.document) };
  };
}
