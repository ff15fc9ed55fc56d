/** Compiles the steps of a Pipeline manifest to a plan. */
import { DaisError, schemaIssues, type Issue } from '@dais/api';
import {
  conditionReferences,
  parameterIssues,
  parseCondition,
  pipelineIssues,
  pipelineSpec,
  type ConditionExpression,
  type ExecutionStepInput,
  type PipelineParameters,
  type PipelineSpec,
  type PipelineStep,
} from '@dais/api/executions';
import type { Artifact, Binding, Expression, Graph, GraphOutput, Json, Task, Values } from '../machine/plan.ts';
import { CODE_INPUT, stepTask } from '../runs/native-plan.ts';
import { datasetArtifact } from '../worker/step-data.ts';
import type { CompiledPipeline, CompileOptions, PipelineCompiler } from './compiler.ts';
import { STEPS_FORMAT } from './pipeline-rows.ts';

/** Nesting depth of pipelines. */
const DEEPEST = 10;

export const stepsCompiler: PipelineCompiler = {
  async compile(document, options): Promise<CompiledPipeline> {
    const spec = readSpec(document);
    const parameters = parametersOf(spec);
    const given = options.parameters === undefined ? undefined : withVariables(options.parameters, options);
    const issues = given === undefined ? [] : parameterIssues(parameters, given, 'parameters');
    if (issues.length > 0)
      throw new DaisError('invalid_request', 'The parameters do not match the pipeline.', { issues });
    const plan = await graphOf(spec, { ...options, known: knownOf(parameters, given) }, [options.name]);
    return { plan, inputs: inputsOf(parameters, given, options), parameters, warnings: [] };
  },
};

/** @throws DaisError `invalid_request` */
function readSpec(document: unknown): PipelineSpec {
  const parsed = pipelineSpec.safeParse(document);
  const issues: readonly Issue[] = parsed.success
    ? pipelineIssues(parsed.data)
    : schemaIssues(parsed.error, pipelineSpec, document);
  if (!parsed.success || issues.length > 0) {
    throw new DaisError('invalid_request', 'The pipeline is not valid.', { issues });
  }
  return parsed.data;
}

function parametersOf({ parameters = {} }: PipelineSpec): PipelineParameters {
  return parameters;
}

function inputsOf(
  parameters: PipelineParameters,
  given: Readonly<Record<string, Json>> | undefined,
  { code }: CompileOptions,
): Values {
  const values = Object.entries(parameters).map(([name, parameter]) => [
    nameOfParameter(name),
    { parameter: (given?.[name] ?? parameter.default ?? null) as Json },
  ]);
  return { ...(Object.fromEntries(values) as Values), ...(code !== undefined && { [CODE_INPUT]: { artifact: code } }) };
}

/**
 * Replaces variables in text parameters of a schedule: `${time}` and `${date}` are the scheduled time, and the data of an
 * event are available by name, such as `${version}` of the model whose alias moved.
 */
function withVariables(
  given: Readonly<Record<string, Json>>,
  { fire }: CompileOptions,
): Readonly<Record<string, Json>> {
  if (fire === undefined) return given;
  const time = new Date(fire.time).toISOString();
  const data: unknown = fire.data;
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : [];
  const variables: Readonly<Record<string, unknown>> = {
    ...Object.fromEntries(entries),
    time,
    date: time.slice(0, 10),
  };
  const valueFor = (whole: string, word: string) => {
    const found = Object.hasOwn(variables, word) ? variables[word] : undefined;
    return typeof found === 'string' || typeof found === 'number' ? String(found) : whole;
  };
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll(/\$\{([a-zA-Z]+)\}/g, valueFor) : value,
    ]),
  );
}

/** Values of parameters known before the run starts. Undefined: none, because the plan is compiled for inspection. */
type Known = ReadonlyMap<string, Json> | undefined;

interface GraphOptions extends CompileOptions {
  readonly known: Known;
}

function knownOf(parameters: PipelineParameters, given: Readonly<Record<string, Json>> | undefined): Known {
  if (given === undefined) return undefined;
  return new Map(
    Object.entries(parameters).map(([name, { default: value }]) => [name, (given[name] ?? value ?? null) as Json]),
  );
}

/** A prefix separates parameters from the code, which is also an input of every run. */
const nameOfParameter = (name: string) => `parameters.${name}`;

async function graphOf(spec: PipelineSpec, options: GraphOptions, trail: readonly string[]): Promise<Graph> {
  const { steps = {}, outputs = {} } = spec;
  const tasks: [string, Task][] = [];
  for (const [name, step] of Object.entries(steps)) tasks.push([name, await taskOf(step, spec, options, trail)]);
  return {
    tasks: Object.fromEntries(tasks),
    outputs: Object.fromEntries(
      Object.entries(outputs).map(([name, { step, output }]): [string, GraphOutput] => [
        name,
        [{ task: step, output }],
      ]),
    ),
  };
}

async function taskOf(
  step: PipelineStep,
  spec: PipelineSpec,
  options: GraphOptions,
  trail: readonly string[],
): Promise<Task> {
  const { inputs = {}, forEach, when, pipeline, always = false } = step;
  const optional = always && { optional: true };
  const bindings: Record<string, Binding> = {};
  for (const [name, source] of Object.entries(inputs)) {
    bindings[name] =
      source.dataset === undefined
        ? bindingOf(source, optional)
        : { artifact: await dataOf({ ...source, dataset: source.dataset }, options) };
  }
  const inside = (input: string) => (pipeline === undefined ? input : nameOfParameter(input));
  const condition = when === undefined ? undefined : conditionOf(parseCondition(when), inside);
  const extra: Record<string, Binding> = { ...condition?.inputs };
  if (forEach !== undefined) extra[ITEMS] = bindingOf({ ...forEach, value: forEach.items }, false);
  const base =
    pipeline === undefined
      ? commandTask(step, spec, bindings, options)
      : await pipelineTask({ ...step, pipeline }, bindings, options, trail);
  return {
    ...base,
    inputs: { ...base.inputs, ...extra },
    ...(condition !== undefined && { when: condition.when }),
    ...(forEach !== undefined && { each: { items: ITEMS, as: asName(step), parallel: forEach.parallel ?? 0 } }),
  };
}

const ITEMS = 'forEach.items';

/** In a nested pipeline, an item is one of its parameters. */
function asName({ forEach, pipeline }: PipelineStep): string {
  const as = forEach?.as ?? 'item';
  return pipeline === undefined ? as : nameOfParameter(as);
}

interface Source {
  readonly value?: unknown;
  readonly parameter?: string | undefined;
  readonly step?: string | undefined;
  readonly output?: string | undefined;
}

function bindingOf(
  { value, parameter, step, output }: Source,
  optional: false | { readonly optional: boolean },
): Binding {
  if (parameter !== undefined) return { input: nameOfParameter(parameter) };
  if (step !== undefined && output !== undefined) return { task: step, output, ...optional };
  return { value: value as Json };
}

interface DataSource {
  readonly dataset: string;
  readonly version?: string | undefined;
  readonly parameter?: string | undefined;
  readonly format?: 'parquet' | 'csv' | undefined;
}

/** @throws DaisError `invalid_request` when the version is known only after steps have run. */
async function dataOf(
  { dataset, version = 'latest', parameter, format = 'parquet' }: DataSource,
  { known, dataset: find }: GraphOptions,
): Promise<Artifact> {
  if (parameter === undefined || known === undefined) {
    return datasetArtifact(await find(`${dataset}@${version}`), format);
  }
  const value = known.get(parameter);
  if (typeof value === 'string' || typeof value === 'number') {
    return datasetArtifact(await find(`${dataset}@${value}`), format);
  }
  const why = known.has(parameter) ? 'is neither text nor a number' : 'is known only after steps have run';
  throw new DaisError(
    'invalid_request',
    `The version of dataset ${dataset} must be known when the pipeline run starts, but parameter ${parameter} ${why}.`,
  );
}

function commandTask(
  step: PipelineStep,
  spec: PipelineSpec,
  bindings: Readonly<Record<string, Binding>>,
  { code, solo }: CompileOptions,
): Task {
  const { run, python, command, inputs = {}, forEach } = step;
  const files = new Set(
    [...Object.entries(inputs), ...(forEach === undefined ? [] : [[forEach.as, forEach] as const])].flatMap(
      ([name, source]) => (isArtifactSource(source, spec) ? [name] : []),
    ),
  );
  const native: Omit<ExecutionStepInput, 'inputs'> = {
    command: command ?? (run === undefined ? ['python3', '-c', python ?? ''] : ['sh', '-e', '-c', run]),
    needs: step.needs ?? [],
    always: step.always ?? false,
    outputs: step.outputs ?? {},
    variables: step.variables ?? {},
    secrets: step.secrets ?? {},
    environment: step.environment ?? spec.environment ?? { type: 'system' },
    resources: step.resources ?? {},
    target: step.target,
    pool: step.pool,
    timeoutSeconds: step.timeoutSeconds,
    retry: step.retry,
    cache: step.cache ?? false,
    isolation: step.isolation,
    network: step.network ?? false,
    tracking: step.tracking,
  };
  const given = [...Object.keys(bindings), ...(forEach === undefined ? [] : [forEach.as])];
  return stepTask(native, { bindings, given, isFiles: (name) => files.has(name), code, solo });
}

/** Returns whether the source is an artifact. Nested pipelines return only parameters. */
function isArtifactSource({ step, output }: Source, { steps = {} }: PipelineSpec): boolean {
  if (step === undefined || output === undefined) return false;
  const { outputs = {}, pipeline } = steps[step] ?? {};
  return pipeline === undefined && (outputs[output]?.as ?? 'files') === 'files';
}

/** @throws DaisError `invalid_request` when the pipeline does not exist, runs itself, or gets unknown parameters. */
async function pipelineTask(
  { pipeline, needs = [], always = false, forEach }: PipelineStep & { readonly pipeline: string },
  bindings: Readonly<Record<string, Binding>>,
  options: GraphOptions,
  trail: readonly string[],
): Promise<Task> {
  if (trail.includes(pipeline) || trail.length > DEEPEST) {
    const circle = [...trail, pipeline].join(' → ');
    throw new DaisError(
      'invalid_request',
      `Pipelines run each other in a cycle, or nest more than ${DEEPEST} levels deep: ${circle}.`,
    );
  }
  const found = await options.pipeline(pipeline);
  if (found === undefined || found.format !== STEPS_FORMAT) {
    const detail =
      found === undefined
        ? `A step runs Pipeline "${pipeline}", which does not exist or has no version.`
        : `A step runs Pipeline "${pipeline}", which has no \`steps\` in its manifest. Only such a pipeline can be a step.`;
    throw new DaisError('invalid_request', detail);
  }
  const spec = readSpec(found.document);
  const parameters = parametersOf(spec);
  const given = { ...bindings, ...(forEach !== undefined && { [forEach.as]: { value: null } }) };
  requireParameters(pipeline, parameters, given);
  const defaults = Object.entries(parameters).flatMap(([name, { default: value }]): [string, Binding][] =>
    Object.hasOwn(given, name) ? [] : [[nameOfParameter(name), { value: value as Json }]],
  );
  return {
    needs,
    after: always ? 'completed' : 'succeeded',
    inputs: {
      ...Object.fromEntries(Object.entries(bindings).map(([name, binding]) => [nameOfParameter(name), binding])),
      ...Object.fromEntries(defaults),
      ...(options.code !== undefined && { [CODE_INPUT]: { input: CODE_INPUT } }),
    },
    body: {
      graph: await graphOf(spec, { ...options, known: knownInside(parameters, given, options) }, [...trail, pipeline]),
    },
  };
}

/** Returns the parameters that are constants, or known parameters of the outer pipeline. */
function knownInside(
  parameters: PipelineParameters,
  given: Readonly<Record<string, Binding>>,
  { known }: GraphOptions,
): Known {
  if (known === undefined) return undefined;
  return new Map(
    Object.entries(parameters).flatMap(([name, { default: value }]): [string, Json][] => {
      const binding = Object.hasOwn(given, name) ? given[name] : undefined;
      if (binding === undefined) return value === undefined ? [] : [[name, value as Json]];
      if ('value' in binding) return binding.value === null ? [] : [[name, binding.value]];
      const outer = 'input' in binding ? known.get(binding.input.slice(nameOfParameter('').length)) : undefined;
      return outer === undefined ? [] : [[name, outer]];
    }),
  );
}

/** Validates the known parameters. Values that steps produce are validated when they run. */
function requireParameters(
  pipeline: string,
  parameters: PipelineParameters,
  given: Readonly<Record<string, Binding>>,
): void {
  const known = Object.entries(given).flatMap(([name, binding]) =>
    'value' in binding && binding.value !== null ? [[name, binding.value] as const] : [],
  );
  const late = Object.keys(given).filter((name) => !known.some(([one]) => one === name));
  const unknown = late.filter((name) => !Object.hasOwn(parameters, name)).map((name) => [name, null] as const);
  const others = Object.entries(parameters).filter(([name]) => !late.includes(name));
  const values = Object.fromEntries([...known, ...unknown]);
  const issues = parameterIssues(Object.fromEntries(others), values, 'inputs');
  if (issues.length === 0) return;
  throw new DaisError(
    'invalid_request',
    `The inputs of the step do not match the parameters of Pipeline "${pipeline}".`,
    { issues },
  );
}

/** Returns the condition on inputs of the task, with the inputs that it needs in addition to those of the step. */
function conditionOf(
  expression: ConditionExpression,
  inside: (input: string) => string,
): { readonly when: Expression; readonly inputs: Readonly<Record<string, Binding>> } {
  const inputs: Record<string, Binding> = {};
  for (const reference of conditionReferences(expression)) {
    const [root, name = '', , output = ''] = reference;
    if (root === 'parameters') inputs[`when.parameters.${name}`] = { input: nameOfParameter(name) };
    if (root === 'steps') inputs[`when.steps.${name}.${output}`] = { task: name, output };
  }
  return { when: expressionOf(expression, inside), inputs };
}

function expressionOf(expression: ConditionExpression, inside: (input: string) => string): Expression {
  const convert = (one: ConditionExpression) => expressionOf(one, inside);
  if ('value' in expression) return expression;
  if ('reference' in expression) {
    const [root, name = '', ...rest] = expression.reference;
    if (root === 'inputs') return { input: inside(name), ...pathOf(rest) };
    if (root === 'parameters') return { input: `when.parameters.${name}`, ...pathOf(rest) };
    const [, output = '', ...path] = rest;
    return { input: `when.steps.${name}.${output}`, ...pathOf(path) };
  }
  if ('compare' in expression) {
    const { compare, left, right } = expression;
    return { compare, left: convert(left), right: convert(right) };
  }
  if ('all' in expression) return { all: expression.all.map(convert) };
  if ('any' in expression) return { any: expression.any.map(convert) };
  return 'not' in expression ? { not: convert(expression.not) } : { number: convert(expression.number) };
}

const pathOf = (path: readonly string[]) => (path.length === 0 ? {} : { path });
