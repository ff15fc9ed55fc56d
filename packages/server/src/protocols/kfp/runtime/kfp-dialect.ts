/** The step dialect of Kubeflow Pipelines: resolves components to commands, and their results to outputs. */
import {
  isFetched,
  ValueError,
  type Artifact,
  type ResolvedDialectStep,
  type Json,
  type StepResults,
  type Step,
  type StepAbout,
  type StepDialect,
  type Value,
  type Values,
} from '#ledgers/executions/index.ts';
import { literalProblem } from '../ir/parameters.ts';
import { datasetIn, DATASETS } from './dataset-uri.ts';
import { outputArtifacts, outputParameters, readExecutorOutput } from './executor-output.ts';
import {
  artifactPath,
  EXECUTOR_OUTPUT,
  IMPORTED_DATASET,
  KFP_DIALECT,
  OUTPUTS,
  parameterPath,
  type KfpContainer,
  type KfpImporter,
  type KfpParameter,
  type KfpStep,
} from './kfp-step.ts';
import { lightweightOf } from './lightweight.ts';
import {
  parameterText,
  resolvedText,
  resolvedElements,
  type ExecutorInput,
  type PlaceholderValues,
  type RuntimeArtifact,
} from './placeholders.ts';
import { STEP_FOLDER, STEP_PROGRAM } from './step-program.ts';

export const kfpDialect: StepDialect = {
  name: KFP_DIALECT,
  resolve: ({ step, inputs, about, pathOf: locationOf }) => {
    const data = step.dialect?.data as unknown as KfpStep;
    const parameters = parametersOf(data, inputs);
    if ('importer' in data.body) return { outputs: imported(data, data.body.importer, { parameters, inputs, about }) };
    return containerStep(step, data, {
      container: data.body.container,
      parameters,
      inputs,
      about,
      placeOf: locationOf,
    });
  },
  outputs: ({ step, left }) => outputsOf(step.dialect?.data as unknown as KfpStep, left),
};

type Parameters = Readonly<Record<string, Json>>;

/** Returns the parameters that have a value. @throws ValueError */
function parametersOf({ parameters, taskConfig, pipeline }: KfpStep, inputs: Values): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, spec]): [string, Json][] => {
      const given = inputs[name];
      if (given !== undefined && !('parameter' in given))
        throw new ValueError(`${name} is an artifact, not a parameter`);
      const value = given?.parameter ?? spec.default ?? null;
      if (spec.type === 'TASK_CONFIG') return taskConfig === undefined ? [] : [[name, taskConfig]];
      if (value === null) {
        if (spec.isOptional === true) return [];
        throw new ValueError(`required input ${name} has no value`);
      }
      return [[name, valueOf(name, spec, value, pipeline)]];
    }),
  );
}

function valueOf(name: string, spec: KfpParameter, value: Json, pipeline: string): Json {
  const status = statusOf(value, pipeline);
  if (status !== undefined && (spec.type === 'TASK_FINAL_STATUS' || spec.type === 'STRUCT')) return status;
  const typed = spec.type === 'STRING' ? parameterText(value) : value;
  const problem = literalProblem(spec.literals ?? [], typed);
  if (problem !== undefined) throw new ValueError(`${name} ${problem.message}, not ${problem.expected}`);
  return typed;
}

/** Returns the final status of a task in the format of components. */
function statusOf(value: Json, pipeline: string): Json | undefined {
  const { task, state, error, ...more } = (value ?? {}) as Readonly<Record<string, Json>>;
  if (typeof task !== 'string' || typeof state !== 'string' || error === undefined || Object.keys(more).length > 0)
    return undefined;
  const ok = state === 'succeeded' || state === 'skipped';
  return {
    state: state === 'cancelled' ? 'CANCELLED' : ok ? 'SUCCEEDED' : 'FAILED',
    pipelineJobResourceName: pipeline,
    pipelineTaskName: task,
    // 9 is FAILED_PRECONDITION in gRPC.
    error: ok ? {} : { code: 9, message: typeof error === 'string' ? error : `task ${task} did not succeed` },
  };
}

function imported(
  { outputs, task }: KfpStep,
  importer: KfpImporter,
  {
    parameters,
    inputs,
    about,
  }: { readonly parameters: Parameters; readonly inputs: Values; readonly about: StepAbout },
): Values {
  const [[name, spec] = ['artifact', undefined]] = Object.entries(outputs.artifacts);
  const values = {
    input: { ...NOTHING, inputs: { parameterValues: parameters, artifacts: {} } },
    constants: constantsOf(about, task),
  };
  const given = 'parameter' in importer.uri ? parameters[importer.uri.parameter] : importer.uri.constant;
  if (typeof given !== 'string' || given === '') throw new ValueError('the importer has no artifact URI');
  const uri = resolvedText(given, values);
  const type = importer.type ?? spec?.type;
  const properties = {
    label: name,
    ...(type !== undefined && { type }),
    metadata: resolvedJson(importer.metadata, values) as Readonly<Record<string, Json>>,
  };
  const rows = inputs[IMPORTED_DATASET];
  if (rows !== undefined && 'artifact' in rows) return { [name]: { artifact: { ...rows.artifact, ...properties } } };
  if (uri.startsWith(DATASETS)) {
    const problem = datasetIn(uri) === undefined ? 'is not a dataset URI' : 'was not known when the run started';
    throw new ValueError(
      `${uri} ${problem}: use ${DATASETS}NAME or ${DATASETS}NAME@VERSION, optionally with ?format=csv, as a constant or in a pipeline parameter`,
    );
  }
  const artifact: Artifact = {
    run: about.run.id,
    prefix: '',
    folder: false,
    files: 0,
    bytes: 0,
    digest: '',
    ...properties,
    uri,
  };
  return { [name]: { artifact } };
}

const NOTHING: ExecutorInput = {
  inputs: { parameterValues: {}, artifacts: {} },
  outputs: { parameters: {}, artifacts: {}, outputFile: '' },
};

function resolvedJson(value: Json, values: PlaceholderValues): Json {
  if (typeof value === 'string') return resolvedText(value, values);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((one) => resolvedJson(one, values));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [resolvedText(key, values), resolvedJson(one, values)]),
  );
}

function constantsOf({ run, node, task }: StepAbout, name: string = task): ReadonlyMap<string, string> {
  return new Map([
    ['pipeline_job_name', run.name],
    ['pipeline_job_resource_name', run.name],
    ['pipeline_job_uuid', run.id],
    ['pipeline_task_name', name],
    ['pipeline_task_uuid', node],
    ['pipeline_root', `dais://runs/${run.id}`],
    ['pipeline_job_create_time_utc', run.createdAt.toISOString()],
    ['pipeline_job_schedule_time_utc', run.createdAt.toISOString()],
  ]);
}

interface ContainerContext {
  readonly container: KfpContainer;
  readonly parameters: Parameters;
  readonly inputs: Values;
  readonly about: StepAbout;
  readonly placeOf: (input: string) => string;
}

function containerStep(
  step: Step,
  data: KfpStep,
  { container, parameters, inputs, about, placeOf }: ContainerContext,
): ResolvedDialectStep {
  // The mark is random, so that no user value contains it.
  const mark = `{folder-${about.attempt}}`;
  const at = (path: string) => `${mark}/${path}`;
  const given = artifactsOf(data, inputs);
  const input: ExecutorInput = {
    inputs: {
      parameterValues: parameters,
      artifacts: Object.fromEntries(
        Object.entries(given).map(([name, { list, isMany }]) => [
          name,
          {
            artifacts: list.map((one, n) =>
              runtimeArtifact(one, at(isMany ? `${placeOf(name)}/${n}` : placeOf(name)), name),
            ),
          },
        ]),
      ),
    },
    outputs: {
      parameters: Object.fromEntries(
        Object.keys(data.outputs.parameters).map((name) => [name, { outputFile: at(parameterPath(name)) }]),
      ),
      artifacts: Object.fromEntries(
        Object.entries(data.outputs.artifacts).map(([name, { type, metadata = {} }]) => [
          name,
          { artifacts: [{ name, type: typeOf(type), uri: at(artifactPath(name)), metadata }] },
        ]),
      ),
      outputFile: at(EXECUTOR_OUTPUT),
    },
  };
  const values = { input, constants: constantsOf(about, data.task) };
  const same = cacheKeyOf(step, data, container, parameters, given);
  if (step.environment.type === 'image') return { ...inImage(container, about, values, mark), same };
  const lightweight = lightweightOf(container.command);
  const elements = [...(lightweight === undefined ? container.command : []), ...container.args];
  const words = elements.flatMap((element) => resolvedElements(element, values));
  if (words.length === 0)
    throw new ValueError('the command of the component is empty after its placeholders are replaced');
  const stepFile = {
    folders: [OUTPUTS, `${OUTPUTS}/parameters`, `${OUTPUTS}/artifacts`],
    output: EXECUTOR_OUTPUT,
    artifacts: Object.fromEntries(Object.keys(data.outputs.artifacts).map((name) => [name, artifactPath(name)])),
    words,
    ...(lightweight !== undefined && { source: lightweight.source }),
  };
  return {
    command: ['python3', `${STEP_FOLDER}/run.py`],
    variables: {
      ...Object.fromEntries(
        container.variables.map(({ name, value }) => [name, resolvedText(value, values).replaceAll(mark, '.')]),
      ),
      PYTHONUNBUFFERED: '1',
      KFP_RETRY_INDEX: String(about.attemptNumber - 1),
    },
    files: [
      { path: `${STEP_FOLDER}/run.py`, text: STEP_PROGRAM },
      { path: `${STEP_FOLDER}/step.json`, text: `${mark}\n${JSON.stringify(stepFile)}` },
    ],
    texts: { [EXECUTOR]: EXECUTOR_OUTPUT },
    same,
  };
}

/** Returns the command in an image. The image may have no Python, so the command runs directly, in a fixed folder. */
function inImage(
  { command, args, variables }: KfpContainer,
  about: StepAbout,
  values: PlaceholderValues,
  mark: string,
): Omit<Exclude<ResolvedDialectStep, { readonly outputs: unknown }>, 'same'> {
  const placed = (text: string) => text.replaceAll(mark, IMAGE_FOLDER);
  const words = [...command, ...args].flatMap((element) => resolvedElements(element, values)).map(placed);
  const [program, ...rest] = words;
  if (program === undefined) {
    throw new ValueError(
      'the component has no command, and the entrypoint of its image is not available: specify a command',
    );
  }
  return {
    command: [program, ...rest],
    variables: {
      ...Object.fromEntries(variables.map(({ name, value }) => [name, placed(resolvedText(value, values))])),
      PYTHONUNBUFFERED: '1',
      KFP_RETRY_INDEX: String(about.attemptNumber - 1),
    },
    // The engine creates a folder only with a file in it.
    files: ['parameters', 'artifacts'].map((name) => ({ path: `${OUTPUTS}/${name}/.keep`, text: '' })),
    texts: { [EXECUTOR]: EXECUTOR_OUTPUT },
  };
}

const IMAGE_FOLDER = '/work';

/** Name of the executor output file among the outputs; no output can have this name. */
const EXECUTOR = ' executor';

interface Given {
  readonly list: readonly Artifact[];
  readonly isMany: boolean;
}

function artifactsOf({ artifacts }: KfpStep, inputs: Values): Readonly<Record<string, Given>> {
  return Object.fromEntries(
    Object.entries(artifacts).flatMap(([name, { isOptional }]): [string, Given][] => {
      const value: Value | undefined = inputs[name];
      if (value !== undefined && 'artifact' in value) return [[name, { list: [value.artifact], isMany: false }]];
      if (value !== undefined && 'artifacts' in value) return [[name, { list: value.artifacts, isMany: true }]];
      // The output of an empty loop.
      if (Array.isArray(value?.parameter) && value.parameter.length === 0) return [[name, { list: [], isMany: true }]];
      if (value === undefined || value.parameter === null) {
        if (isOptional === true) return [];
        throw new ValueError(`required artifact ${name} is missing: the upstream task did not produce it`);
      }
      throw new ValueError(`${name} is a parameter, not an artifact`);
    }),
  );
}

function runtimeArtifact(artifact: Artifact, path: string, name: string): RuntimeArtifact {
  const { label, type, uri, metadata = {} } = artifact;
  // Components read the path of a file from its URI.
  const at = uri === undefined || isFetched(artifact) ? path : uri;
  return { name: label ?? name, type: typeOf(type), uri: at, metadata };
}

function typeOf(type = 'system.Artifact'): RuntimeArtifact['type'] {
  if (/\s/.test(type)) return { instanceSchema: type };
  return { schemaTitle: type, schemaVersion: '0.0.1' };
}

/** Returns the cache key: of two steps with equal keys, only one has to run. */
function cacheKeyOf(
  { environment, secrets }: Step,
  data: KfpStep,
  container: KfpContainer,
  parameters: Parameters,
  given: Readonly<Record<string, Given>>,
): Json {
  const { pipeline, component, cacheKey, outputs } = data;
  if (cacheKey !== undefined) return { dialect: KFP_DIALECT, pipeline, component, cacheKey };
  const artifacts = Object.entries(given).map(([name, { list }]): [string, Json] => [
    name,
    list.map(({ digest, folder, uri = null, metadata = {}, type = null }) => ({ digest, folder, uri, metadata, type })),
  ]);
  // Converted through text to remove undefined members.
  const plain = {
    dialect: KFP_DIALECT,
    container,
    environment,
    secrets,
    outputs,
    parameters,
    artifacts: Object.fromEntries(artifacts),
  };
  return JSON.parse(JSON.stringify(plain)) as Json;
}

/** @throws ValueError */
function outputsOf(data: KfpStep, left: StepResults): Values {
  const reported = readExecutorOutput(left.texts[EXECUTOR]);
  return { ...outputParameters(data, reported, left), ...outputArtifacts(data, reported, left) };
}
