/** Compiles a PipelineSpec to a plan. */
import { DaisError } from '@dais/api';
import type {
  Artifact,
  Binding,
  Graph,
  GraphOutput,
  ImageRule,
  Json,
  ParameterType,
  Retry,
  Step,
  Task,
  Value,
  Values,
} from '#ledgers/executions/index.ts';
import { datasetIn, type NamedRows } from '../runtime/dataset-uri.ts';
import { jobResourceName, type SuccessState } from '../runtime/job-names.ts';
import { IMPORTED_DATASET } from '../runtime/kfp-step.ts';
import { itemsIn } from './check.ts';
import { conditionOf, selectorPath } from './condition.ts';
import {
  typeOfParameter,
  type ComponentSpec,
  type DagSpec,
  type IrParameterType,
  type ParameterInput,
  type ParameterSpec,
  type TaskSpec,
} from './messages.ts';
import { runParameters } from './parameters.ts';
import type { Ir } from './pipeline-file.ts';
import { composedOf } from './placeholder-text.ts';
import { stepPlatform } from './platform.ts';
import { durationMs } from './quantities.ts';
import { stepOf } from './step.ts';

export interface IrOptions {
  readonly name: string;
  readonly runId: string;
  /** Undefined: the pipeline is compiled only for inspection. */
  readonly parameters: Readonly<Record<string, Json>> | undefined;
  readonly images: readonly ImageRule[];
  /** Why other images cannot be run. Undefined: they can. */
  readonly imageProblem: string | undefined;
  readonly isolation: Step['isolation'];
  readonly now: Date;
  /** State of a successful task in the final status that an exit handler gets. */
  readonly successState: SuccessState;
  /** Scheduled time, if a schedule starts the run. */
  readonly scheduled?: Date | undefined;
  /** Number of the run within its schedule. */
  readonly index?: number | undefined;
  /** Returns the dataset version of an importer. Undefined while it is not resolved yet. */
  readonly dataset: (rows: NamedRows) => Artifact | undefined;
}

interface CompiledIr {
  readonly plan: Graph;
  readonly inputs: Values;
  readonly warnings: readonly string[];
}

const MOST_TASKS = 20_000;
const DEEPEST = 20;

/** @throws DaisError `invalid_request` with all errors. */
export function compileIr(ir: Ir, options: IrOptions): CompiledIr {
  const { spec } = ir;
  const isInspection = options.parameters === undefined;
  const given = isInspection ? defaultsOf(spec.root) : runParameters(spec, options.parameters, macrosOf(options));
  const compiler = new Compiler(ir, options);
  const plan = compiler.graph(spec.root, {
    place: '',
    known: new Map(Object.entries(given)),
    retry: undefined,
    depth: 0,
  });
  compiler.end();
  const artifacts = Object.entries(spec.root.inputDefinitions?.artifacts ?? {});
  const needed = artifacts.filter(([, { isOptional }]) => isOptional !== true).map(([name]) => name);
  if (needed.length > 0 && !isInspection) {
    throw new DaisError(
      'invalid_request',
      `The pipeline requires the input artifacts ${needed.join(', ')}, but a run accepts only parameters. Import them with a task instead.`,
    );
  }
  const inputs = [
    ...Object.entries(given).map(([name, parameter]): [string, Value] => [name, { parameter }]),
    ...artifacts.map(([name]): [string, Value] => [name, { parameter: null }]),
  ];
  return { plan, inputs: Object.fromEntries(inputs), warnings: [...ir.warnings, ...compiler.warnings] };
}

function defaultsOf({ inputDefinitions }: ComponentSpec): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(inputDefinitions?.parameters ?? {}).map(([name, { defaultValue }]) => [
      name,
      (defaultValue as Json | undefined) ?? null,
    ]),
  );
}

/** Formats a time for parameters as Kubeflow does: `20261126093000`. */
function compactTime(at: Date): string {
  return at.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
}

function macrosOf({ runId, now, scheduled = now, index = 0 }: IrOptions): ReadonlyMap<string, string> {
  return new Map([
    ['RunUUID', runId],
    ['CurrentTime', compactTime(now)],
    ['ScheduledTime', compactTime(scheduled)],
    ['Index', String(index)],
  ]);
}

/** A dag within the pipeline. */
interface Scope {
  /** Path of task names. */
  readonly place: string;
  /** Inputs of the dag whose values are known when the run starts. */
  readonly known: ReadonlyMap<string, Json>;
  /** Retry policy of the enclosing tasks. Graphs have no attempts, so the policy applies to their steps. */
  readonly retry: Retry | undefined;
  readonly depth: number;
}

class Compiler {
  readonly warnings: string[] = [];
  readonly #ir: Ir;
  readonly #options: IrOptions;
  readonly #problems: DaisError[] = [];
  readonly #reported = new Set<string>();
  #tasks = 0;

  constructor(ir: Ir, options: IrOptions) {
    this.#ir = ir;
    this.#options = options;
    const config = ir.platform?.platforms.kubernetes?.pipelineConfig as Readonly<Record<string, Json>> | undefined;
    for (const field of Object.keys(config ?? {})) {
      this.#warn(`pipelineConfig.${field} is ignored: there is no Kubernetes, and steps share no volume`);
    }
  }

  /** @throws DaisError with all images that cannot be run. */
  end(): void {
    const [first] = this.#problems;
    if (first === undefined) return;
    throw new DaisError('invalid_request', first.message, {
      issues: this.#problems.flatMap(({ issues = [] }) => issues).slice(0, 100),
    });
  }

  graph({ dag = {} }: ComponentSpec, scope: Scope): Graph {
    if (scope.depth > DEEPEST)
      throw new DaisError('invalid_request', `The pipeline is nested more than ${DEEPEST} levels deep.`);
    const tasks = Object.entries(dag.tasks ?? {});
    this.#tasks += tasks.length;
    if (this.#tasks > MOST_TASKS)
      throw new DaisError('invalid_request', `The pipeline has more than ${MOST_TASKS} tasks.`);
    return {
      tasks: Object.fromEntries(tasks.map(([name, task]) => [name, this.#task(name, task, scope)])),
      outputs: outputsOf(dag),
    };
  }

  #task(name: string, task: TaskSpec, scope: Scope): Task {
    const { name: componentName } = task.componentRef;
    const component = this.#ir.spec.components![componentName]!;
    const location = scope.place === '' ? name : `${scope.place}/${name}`;
    const each = eachOf(task, component);
    const given = { ...this.#inputs(name, task, component, each), ...artifactsOf(task, component) };
    const known = this.#known(given, scope.known, task, component);
    const inputs = { ...given, ...this.#datasets(component, known) };
    const itemsInput = each === undefined ? {} : each.bindings(inputs);
    const retry = retryOf(task) ?? scope.retry;
    const condition = task.triggerPolicy?.condition;
    const body = component.dag;
    const inner = { place: location, known, retry, depth: scope.depth + 1 };
    return {
      needs: task.dependentTasks ?? [],
      after: task.triggerPolicy?.strategy === 'ALL_UPSTREAM_TASKS_COMPLETED' ? 'completed' : 'succeeded',
      ...(condition !== undefined && condition !== '' && { when: conditionOf(condition) }),
      inputs: { ...inputs, ...itemsInput },
      ...(each !== undefined && { each: each.each }),
      // A graph is retried through its steps.
      ...(body === undefined && retry !== undefined && { retry }),
      body:
        body === undefined
          ? { step: this.#step(name, task, component, scope, known) }
          : { graph: this.graph(component, inner) },
    };
  }

  /** Returns the dataset of an importer as an input of the run, so that the read permission of the starter is checked. */
  #datasets({ executorLabel = '' }: ComponentSpec, known: ReadonlyMap<string, Json>): Record<string, Binding> {
    const importer = this.#ir.spec.deploymentSpec?.executors?.[executorLabel]?.importer;
    if (importer === undefined) return {};
    const { constant, constantValue, runtimeParameter } = importer.artifactUri;
    const address = runtimeParameter === undefined ? (constant ?? constantValue) : known.get(runtimeParameter);
    const named = datasetIn(address);
    const artifact = named === undefined ? undefined : this.#options.dataset(named);
    return artifact === undefined ? {} : { [IMPORTED_DATASET]: { artifact } };
  }

  #step(name: string, task: TaskSpec, component: ComponentSpec, scope: Scope, known: ReadonlyMap<string, Json>): Step {
    const { spec, platform } = this.#ir;
    const { images, imageProblem, isolation, parameters, successState } = this.#options;
    const label = component.executorLabel ?? '';
    const onKubernetes = platform?.platforms.kubernetes?.deploymentSpec?.executors?.[label] ?? {};
    const given = stepPlatform(onKubernetes, (input) => constantOf(input, scope.known));
    for (const warning of given.warnings) this.#warn(`${name}: ${warning}`);
    if (parameters !== undefined) for (const problem of given.problems) this.#refuse(name, `${name}: ${problem}`);
    const executor = spec.deploymentSpec!.executors![label]!;
    if (executor.importer?.downloadToWorkspace === true)
      this.#warn(`${name}: downloadToWorkspace is ignored: steps share no volume`);
    try {
      return stepOf({
        pipeline: spec.pipelineInfo.name,
        task: name,
        name: task.componentRef.name,
        component,
        executor,
        platform: given,
        images,
        imageProblem,
        isolation,
        caching: task.cachingOptions ?? {},
        known,
        isInspection: parameters === undefined,
        successState,
        warn: (warning) => this.#warn(warning),
      });
    } catch (error) {
      if (!(error instanceof DaisError)) throw error;
      this.#problems.push(error);
      return REFUSED;
    }
  }

  /** Collects an error: all are reported together. */
  #refuse(path: string, message: string): void {
    this.#problems.push(
      new DaisError('invalid_request', `The pipeline cannot run on this server: ${message}.`, {
        issues: [{ path, message }],
      }),
    );
  }

  #warn(warning: string): void {
    if (this.#reported.has(warning)) return;
    this.#reported.add(warning);
    this.warnings.push(warning);
  }

  #inputs(name: string, task: TaskSpec, component: ComponentSpec, each: Each | undefined): Record<string, Binding> {
    const { parameters = {} } = component.inputDefinitions ?? {};
    const given = task.inputs?.parameters ?? {};
    const bindings: [string, Binding][] = [];
    for (const [input, source] of Object.entries(given)) {
      // Some inputs are used only in texts of others, and are not inputs of the component.
      const spec = parameters[input];
      // The list of a loop may be JSON text.
      const as = spec === undefined || each?.each.items === input ? undefined : parameterTypeOf(spec);
      bindings.push([input, this.#binding(name, source, spec ?? ANY, as, new Set(Object.keys(given)))]);
    }
    for (const [input, { defaultValue }] of Object.entries(parameters)) {
      const isGiven = Object.hasOwn(given, input) || each?.each.as === input;
      if (!isGiven && defaultValue !== undefined && component.dag !== undefined) {
        bindings.push([input, { value: defaultValue as Json }]);
      } else if (!isGiven && component.dag !== undefined) {
        // Inner tasks may use it.
        bindings.push([input, { value: null }]);
      }
    }
    return Object.fromEntries(bindings);
  }

  #binding(
    name: string,
    source: ParameterInput,
    spec: ParameterSpec,
    as: ParameterType | undefined,
    siblings: ReadonlySet<string>,
  ): Binding {
    const { runtimeValue, componentInputParameter, taskOutputParameter, taskFinalStatus, parameterExpressionSelector } =
      source;
    const { defaultValue, isOptional } = spec;
    const taking = {
      ...(parameterExpressionSelector !== undefined && { path: selectorPath(parameterExpressionSelector) }),
      ...(isOptional === true && { optional: true }),
      ...(defaultValue !== undefined && defaultValue !== null && { otherwise: defaultValue as Json }),
      ...(as !== undefined && { as }),
    };
    if (taskFinalStatus !== undefined) return { statusOf: taskFinalStatus.producerTask };
    if (taskOutputParameter !== undefined) {
      return { task: taskOutputParameter.producerTask, output: taskOutputParameter.outputParameterKey, ...taking };
    }
    const input = componentInputParameter ?? runtimeValue?.runtimeParameter;
    if (input !== undefined) return { input, ...taking };
    const constant = (runtimeValue?.constant ?? runtimeValue?.constantValue ?? null) as Json;
    const composed = composedOf(constant, this.#constants(name), siblings);
    if (!('value' in composed)) return { compose: composed };
    const { value } = composed;
    return { value: as === 'text' && value !== null && typeof value !== 'string' ? JSON.stringify(value) : value };
  }

  /** Returns the values of placeholders that are constant in the run, and the name of the task. */
  #constants(task: string): ReadonlyMap<string, string> {
    const { name, runId, now, scheduled = now } = this.#options;
    const { pipelineInfo } = this.#ir.spec;
    return new Map([
      ['pipeline_job_name', name],
      ['pipeline_job_resource_name', jobResourceName(pipelineInfo.name, runId)],
      ['pipeline_job_uuid', runId],
      ['pipeline_job_create_time_utc', now.toISOString()],
      ['pipeline_job_schedule_time_utc', scheduled.toISOString()],
      ['pipeline_task_name', task],
    ]);
  }

  #known(
    inputs: Readonly<Record<string, Binding>>,
    around: ReadonlyMap<string, Json>,
    task: TaskSpec,
    component: ComponentSpec,
  ): ReadonlyMap<string, Json> {
    const known = new Map<string, Json>();
    for (const [name, { defaultValue }] of Object.entries(component.inputDefinitions?.parameters ?? {})) {
      const isGiven = task.inputs?.parameters?.[name] !== undefined;
      if (!isGiven && defaultValue !== undefined) known.set(name, defaultValue);
    }
    for (const [name, binding] of Object.entries(inputs)) {
      if ('value' in binding) known.set(name, binding.value);
      else if ('input' in binding && binding.path === undefined) {
        const value = around.get(binding.input);
        const whole = value === null || value === undefined ? (binding.otherwise ?? value) : value;
        if (whole !== undefined) known.set(name, whole);
      }
    }
    return known;
  }
}

/** Placeholder for a rejected step; the plan is discarded. */
const REFUSED: Step = {
  command: [],
  variables: {},
  secrets: {},
  environment: { type: 'system' },
  resources: {},
  isolation: 'required',
  network: false,
  cache: false,
  places: {},
  outputs: {},
};

/** Specification of an input that the component does not declare. */
const ANY: ParameterSpec = { isOptional: true };

const TYPES: Readonly<Partial<Record<IrParameterType, ParameterType>>> = {
  STRING: 'text',
  NUMBER_INTEGER: 'number',
  NUMBER_DOUBLE: 'number',
  BOOLEAN: 'boolean',
  LIST: 'list',
  STRUCT: 'object',
};

function parameterTypeOf(spec: ParameterSpec): ParameterType | undefined {
  return TYPES[typeOfParameter(spec)];
}

function constantOf(
  { runtimeValue, componentInputParameter }: ParameterInput,
  known: ReadonlyMap<string, Json>,
): Json | undefined {
  if (componentInputParameter !== undefined) return known.get(componentInputParameter);
  return runtimeValue?.constant ?? runtimeValue?.constantValue;
}

function artifactsOf(task: TaskSpec, component: ComponentSpec): Record<string, Binding> {
  const { artifacts = {} } = component.inputDefinitions ?? {};
  const given = Object.entries(task.inputs?.artifacts ?? {}).map(
    ([name, { componentInputArtifact, taskOutputArtifact }]): [string, Binding] => {
      const optional = artifacts[name]?.isOptional === true ? ({ optional: true } as const) : {};
      if (taskOutputArtifact === undefined) return [name, { input: componentInputArtifact ?? '', ...optional }];
      const { producerTask: from, outputArtifactKey: output } = taskOutputArtifact;
      return [name, { task: from, output, ...optional }];
    },
  );
  const items = task.artifactIterator?.itemInput;
  // Inner tasks may use missing inputs.
  const absent = Object.keys(artifacts).filter(
    (name) => component.dag !== undefined && name !== items && task.inputs?.artifacts?.[name] === undefined,
  );
  return Object.fromEntries([...given, ...absent.map((name): [string, Binding] => [name, { value: null }])]);
}

interface Each {
  readonly each: NonNullable<Task['each']>;
  /** The list of items, in addition to the other inputs of the task. */
  readonly bindings: (inputs: Readonly<Record<string, Binding>>) => Readonly<Record<string, Binding>>;
}

function eachOf(
  { parameterIterator, artifactIterator, iteratorPolicy }: TaskSpec,
  component: ComponentSpec,
): Each | undefined {
  const parallel = iteratorPolicy?.parallelismLimit ?? 0;
  const iterator = artifactIterator ?? parameterIterator;
  if (iterator === undefined) return undefined;
  const as = iterator.itemInput;
  const own = artifactIterator?.items.inputArtifact ?? parameterIterator?.items.inputParameter;
  // Iterations get the list only if they use it, since each would store a copy.
  if (own !== undefined && !needsInput(component, own))
    return { each: { items: own, as, parallel }, bindings: () => ({}) };
  const items = `${as}--items`;
  const raw = own === undefined ? ((itemsIn(parameterIterator?.items.raw ?? '') ?? []) as readonly Json[]) : undefined;
  return {
    each: { items, as, parallel },
    bindings: (inputs) => ({ [items]: raw === undefined ? inputs[own ?? '']! : { value: raw } }),
  };
}

function needsInput({ dag, executorLabel }: ComponentSpec, input: string): boolean {
  if (executorLabel !== undefined) return true;
  return Object.values(dag?.tasks ?? {}).some(({ inputs = {} }) => {
    const { parameters = {}, artifacts = {} } = inputs;
    return (
      Object.values(parameters).some(({ componentInputParameter }) => componentInputParameter === input) ||
      Object.values(artifacts).some(({ componentInputArtifact }) => componentInputArtifact === input)
    );
  });
}

function retryOf({ retryPolicy }: TaskSpec): Retry | undefined {
  const { maxRetryCount = 0, backoffDuration, backoffFactor, backoffMaxDuration } = retryPolicy ?? {};
  if (maxRetryCount === 0) return undefined;
  return {
    count: maxRetryCount,
    delayMs: durationMs(backoffDuration ?? '0s') ?? 0,
    factor: backoffFactor ?? 2,
    maxDelayMs: durationMs(backoffMaxDuration ?? '3600s') ?? 3_600_000,
  };
}

function outputsOf({ outputs = {} }: DagSpec): Record<string, GraphOutput> {
  const parameters = Object.entries(outputs.parameters ?? {}).map(
    ([name, { valueFromParameter, valueFromOneof }]): [string, GraphOutput] => {
      const selectors =
        valueFromParameter === undefined ? (valueFromOneof?.parameterSelectors ?? []) : [valueFromParameter];
      return [name, selectors.map(({ producerSubtask: task, outputParameterKey: output }) => ({ task, output }))];
    },
  );
  const artifacts = Object.entries(outputs.artifacts ?? {}).map(
    ([name, { artifactSelectors }]): [string, GraphOutput] => [
      name,
      artifactSelectors.map(({ producerSubtask: task, outputArtifactKey: output }) => ({ task, output })),
    ],
  );
  return Object.fromEntries([...parameters, ...artifacts]);
}
