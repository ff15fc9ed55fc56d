/** Converts the executor of a component to a step of the plan. */
import { DaisError } from '@dais/api';
import type { ImageRule, Json, Step, StepEnvironment, StepOutput } from '#ledgers/executions/index.ts';
import {
  artifactPath,
  KFP_DIALECT,
  parameterPath,
  type KfpArtifact,
  type KfpContainer,
  type KfpImporter,
  type KfpParameter,
  type KfpStep,
} from '../runtime/kfp-step.ts';
import type { SuccessState } from '../runtime/job-names.ts';
import { lightweightOf } from '../runtime/lightweight.ts';
import { environmentOfImage, imageRefusal, VOLUME_IMAGES } from './image.ts';
import {
  typeOfParameter,
  type ArtifactSpec,
  type ArtifactType,
  type ComponentSpec,
  type ContainerSpec,
  type ExecutorSpec,
  type ImporterSpec,
  type ParameterSpec,
} from './messages.ts';
import { parameterIn } from './placeholder-text.ts';
import type { StepPlatform } from './platform.ts';
import { quantityOf } from './quantities.ts';

interface StepContext {
  readonly pipeline: string;
  readonly task: string;
  /** Name of the component. */
  readonly name: string;
  readonly component: ComponentSpec;
  readonly executor: ExecutorSpec;
  readonly platform: StepPlatform;
  readonly images: readonly ImageRule[];
  readonly imageProblem: string | undefined;
  readonly isolation: Step['isolation'];
  readonly caching: { readonly enableCache?: boolean | undefined; readonly cacheKey?: string | undefined };
  /** Values of task inputs that are known when the run starts. */
  readonly known: ReadonlyMap<string, Json>;
  /** The plan is compiled for inspection: unknown values are not errors. */
  readonly isInspection: boolean;
  readonly successState: SuccessState;
  readonly warn: (warning: string) => void;
}

/** @throws DaisError `invalid_request` for an image that cannot be run. */
export function stepOf(context: StepContext): Step {
  const { component, executor, platform, caching } = context;
  const { container, importer } = executor;
  const base = {
    command: [],
    variables: {},
    secrets: platform.secrets,
    ...(platform.timeoutMs !== undefined && { timeoutMs: platform.timeoutMs }),
    isolation: context.isolation,
    network: true,
    cache: caching.enableCache === true,
    places: {},
    outputs: outputsOf(component),
  };
  if (importer !== undefined) {
    const body = { importer: importerOf(importer) };
    // The server fetches imported files itself, through the outbound guard.
    return {
      ...base,
      network: false,
      environment: { type: 'system' },
      resources: {},
      dialect: dialectOf(context, body),
    };
  }
  const body = { container: containerOf(container!) };
  return {
    ...base,
    environment: environmentOf(context, body.container),
    resources: resourcesOf(context, container!),
    dialect: dialectOf(context, body),
  };
}

function dialectOf(context: StepContext, body: KfpStep['body']): NonNullable<Step['dialect']> {
  const { pipeline, task, name, component, caching, successState } = context;
  const { inputDefinitions = {}, outputDefinitions = {} } = component;
  const { cacheKey } = caching;
  const taskConfig = taskConfigOf(context);
  const data: KfpStep = {
    pipeline,
    task,
    component: name,
    parameters: mapped(inputDefinitions.parameters, parameterOf),
    artifacts: mapped(inputDefinitions.artifacts, artifactOf),
    outputs: {
      parameters: mapped(outputDefinitions.parameters, typeOfParameter),
      artifacts: mapped(outputDefinitions.artifacts, artifactOf),
    },
    body,
    successState,
    ...(cacheKey !== undefined && cacheKey !== '' && { cacheKey }),
    ...(taskConfig !== undefined && { taskConfig }),
  };
  return { name: KFP_DIALECT, data: data as unknown as Json };
}

function mapped<From, To>(of: Readonly<Record<string, From>> | undefined, make: (one: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(of ?? {}).map(([name, one]) => [name, make(one)]));
}

function parameterOf(spec: ParameterSpec): KfpParameter {
  const { defaultValue, isOptional, literals } = spec;
  return {
    type: typeOfParameter(spec),
    ...(defaultValue !== undefined && { default: defaultValue }),
    ...(isOptional === true && { isOptional }),
    ...(literals !== undefined && literals.length > 0 && { literals }),
  };
}

function artifactOf({ artifactType, metadata, isOptional }: ArtifactSpec): KfpArtifact {
  const type = typeNameOf(artifactType);
  return {
    ...(type !== undefined && { type }),
    ...(metadata !== undefined && { metadata }),
    ...(isOptional === true && { isOptional }),
  };
}

function typeNameOf(type: ArtifactType | undefined): string | undefined {
  return type?.schemaTitle ?? type?.instanceSchema ?? type?.schemaUri;
}

function outputsOf({ outputDefinitions = {} }: ComponentSpec): Record<string, StepOutput> {
  const parameters = Object.entries(outputDefinitions.parameters ?? {}).map(([name, spec]): [string, StepOutput] => {
    const as = typeOfParameter(spec) === 'STRING' ? 'text' : 'json';
    return [name, { parameter: as, path: parameterPath(name), optional: true }];
  });
  const artifacts = Object.keys(outputDefinitions.artifacts ?? {}).map((name): [string, StepOutput] => [
    name,
    { artifact: true, path: artifactPath(name), optional: true },
  ]);
  return Object.fromEntries([...parameters, ...artifacts]);
}

function containerOf({ image, command = [], args = [], env = [] }: ContainerSpec): KfpContainer {
  return { image, command, args, variables: env.map(({ name, value = '' }) => ({ name, value })) };
}

function importerOf({ artifactUri, typeSchema, metadata = {} }: ImporterSpec): KfpImporter {
  const { constant, constantValue, runtimeParameter } = artifactUri;
  const type = typeNameOf(typeSchema);
  return {
    uri:
      runtimeParameter === undefined
        ? { constant: textOf(constant ?? constantValue) }
        : { parameter: runtimeParameter },
    ...(type !== undefined && { type }),
    metadata,
  };
}

/** Returns '' for values that are not text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function environmentOf(context: StepContext, { image, command }: KfpContainer): StepEnvironment {
  const { name, images, imageProblem, task, isInspection, warn } = context;
  const whole = knownText(context, image);
  if (whole === undefined) {
    if (isInspection) return { type: 'system' };
    throw refusal(
      task,
      `${name} takes its image from the output of a task, but the image must be known when the run starts`,
    );
  }
  const environment = environmentOfImage(whole, images) ?? imageItself(whole, imageProblem);
  if (environment === undefined) throw refusal(task, imageRefusal(name, whole, imageProblem ?? ''));
  const needs = lightweightOf(command);
  if (needs === undefined || environment.type !== 'python') {
    const installs = command.some((word) => word.includes('pip install'));
    if (installs) warn(`${name} installs packages at each run, because its command has an unknown form`);
    return environment;
  }
  const { requirements, bare, indexes } = needs;
  return { ...environment, requirements: [...environment.requirements, ...requirements], bare, indexes };
}

function refusal(task: string, message: string): DaisError {
  return new DaisError('invalid_request', `The pipeline cannot run on this server: ${message}.`, {
    issues: [{ path: `${task}.image`, message }],
  });
}

function imageItself(image: string, problem: string | undefined): StepEnvironment | undefined {
  return problem === undefined && !image.startsWith(VOLUME_IMAGES) ? { type: 'image', image } : undefined;
}

/** Replaces placeholders. Undefined: the value of one is not known yet. */
function knownText({ known }: StepContext, text: string): string | undefined {
  let isKnown = true;
  const whole = text.replaceAll(/\{\{\$\.([^{}]*)\}\}/g, (_, inner: string) => {
    const value = known.get(parameterIn(inner) ?? '');
    if (value === undefined || value === null) isKnown = false;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  return isKnown ? whole : undefined;
}

const GIGABYTE = 1e9;

function resourcesOf(context: StepContext, { resources = {} }: ContainerSpec): Record<string, number> {
  const request: Record<string, number> = {};
  const take = (name: string, text: string | undefined, plain: number | undefined) => {
    if (text === undefined && plain === undefined) return;
    const known = text === undefined ? '' : knownText(context, text);
    const value = text === undefined ? plain : known === undefined ? undefined : quantityOf(known);
    if (value === undefined)
      context.warn(`${context.name}: ${name} is ignored: ${text} is not a number that is known when the run starts`);
    else if (value > 0) request[name] = value;
  };
  const { cpuLimit, cpuRequest, memoryLimit, memoryRequest, accelerator } = resources;
  const memory = memoryLimit ?? memoryRequest;
  take('cpu', resources.resourceCpuLimit ?? resources.resourceCpuRequest, cpuLimit ?? cpuRequest);
  take(
    'memory',
    resources.resourceMemoryLimit ?? resources.resourceMemoryRequest,
    memory === undefined ? undefined : memory * GIGABYTE,
  );
  if (accelerator !== undefined) {
    const type = knownText(context, accelerator.resourceType ?? accelerator.type ?? '');
    const count = accelerator.resourceCount ?? accelerator.count;
    if (type !== undefined && type !== '') take(type, count === undefined ? '1' : String(count), undefined);
  }
  return request;
}

/** Returns the value of inputs of the type TASK_CONFIG. */
function taskConfigOf({ component, executor }: StepContext): Json | undefined {
  const fields = component.taskConfigPassthroughs ?? [];
  if (fields.length === 0) return undefined;
  const fieldNames = new Set(fields.map(({ field }) => field));
  const { env = [], resources } = executor.container ?? {};
  const limits = {
    ...(resources?.resourceCpuLimit !== undefined && { cpu: resources.resourceCpuLimit }),
    ...(resources?.resourceMemoryLimit !== undefined && { memory: resources.resourceMemoryLimit }),
  };
  const requests = {
    ...(resources?.resourceCpuRequest !== undefined && { cpu: resources.resourceCpuRequest }),
    ...(resources?.resourceMemoryRequest !== undefined && { memory: resources.resourceMemoryRequest }),
  };
  return {
    ...(fieldNames.has('ENV') && { env: env.map(({ name, value = '' }) => ({ name, value })) }),
    ...(fieldNames.has('RESOURCES') && { resources: { limits, requests } }),
  };
}
