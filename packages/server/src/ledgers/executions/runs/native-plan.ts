/** Compiles the steps of a submitted job to a plan. */
import { DaisError, type Issue } from '@dais/api';
import type { ExecutionStepInput } from '@dais/api/executions';
import type { Artifact, Binding, Graph, Json, LateText, Step, StepOutput, Task } from '../machine/plan.ts';
import { datasetVariables } from '../worker/step-data.ts';

const MOST_STEPS = 1000;
/** The input that contains the code of a run. */
export const CODE_INPUT = 'code';

export type NativeSteps = Readonly<Record<string, ExecutionStepInput>>;

/** Resolved dataset versions by `dataKey`. */
export type FoundData = ReadonlyMap<string, Artifact>;

/** Returns the key of a dataset version in a format. */
export const dataKey = (reference: string, format: 'parquet' | 'csv' = 'parquet') => `${format} ${reference}`;

export interface NativePlanOptions {
  readonly code: Artifact | undefined;
  readonly solo: boolean;
}

/** @throws DaisError `invalid_request` */
export function nativePlan(steps: NativeSteps, options: NativePlanOptions & { readonly data: FoundData }): Graph {
  const names = Object.keys(steps);
  if (names.length === 0 || names.length > MOST_STEPS) {
    const message = `has ${names.length} steps`;
    const issues = [{ path: 'steps', message, expected: `1 to ${MOST_STEPS}` }];
    throw new DaisError('invalid_request', `A job has 1 to ${MOST_STEPS.toLocaleString('en-US')} steps.`, { issues });
  }
  const issues = names.flatMap((name) => stepIssues(name, steps[name]!));
  if (issues.length > 0) throw new DaisError('invalid_request', 'The steps are not valid.', { issues });
  const tasks = names.map((name): [string, Task] => [name, taskOf(steps[name]!, steps, options)]);
  return { tasks: Object.fromEntries(tasks), outputs: {} };
}

function stepIssues(name: string, { inputs, outputs }: ExecutionStepInput): Issue[] {
  const issues: Issue[] = [];
  if (inputs[CODE_INPUT] !== undefined) {
    issues.push({
      path: `steps.${name}.inputs.${CODE_INPUT}`,
      message: 'is reserved for the code of the job; choose another name',
    });
  }
  for (const [output, { path, as, dataset }] of Object.entries(outputs)) {
    if (dataset !== undefined && as !== 'files') {
      const message = 'creates a dataset version from files, but this output is a parameter';
      issues.push({ path: `steps.${name}.outputs.${output}.dataset`, message, expected: 'as: files' });
    }
    const parts = path.split('/');
    if (parts.every((part) => part !== '' && part !== '.' && part !== '..') && !path.includes('\\')) continue;
    const at = `steps.${name}.outputs.${output}.path`;
    issues.push({
      path: at,
      message: 'must be a relative path inside the working folder, without empty segments',
      expected: 'results/model',
    });
  }
  return issues;
}

function taskOf(
  step: ExecutionStepInput,
  steps: NativeSteps,
  { code, solo, data }: NativePlanOptions & { readonly data: FoundData },
): Task {
  const bindings = Object.fromEntries(
    Object.entries(step.inputs).map(([name, input]): [string, Binding] => [name, bindingOf(input, data)]),
  );
  const isFiles = (name: string) => {
    const input = step.inputs[name];
    if (input === undefined || !('step' in input)) return false;
    return (steps[input.step]?.outputs[input.output]?.as ?? 'files') === 'files';
  };
  return stepTask(step, { bindings, given: Object.keys(bindings), isFiles, code, solo });
}

function bindingOf(input: ExecutionStepInput['inputs'][string], data: FoundData): Binding {
  if ('value' in input) return { value: input.value as Json };
  if ('step' in input) return { task: input.step, output: input.output };
  const artifact = data.get(dataKey(input.dataset, input.format));
  if (artifact === undefined) throw new Error(`dataset ${input.dataset} was not resolved`);
  return { artifact };
}

export interface StepTaskOptions extends NativePlanOptions {
  /** Sources of the inputs, instead of those in the step. */
  readonly bindings: Readonly<Record<string, Binding>>;
  /** Inputs that the command reads from variables, and which of them are files. */
  readonly given: readonly string[];
  readonly isFiles: (input: string) => boolean;
}

/** Returns the task that runs the command of a step. */
export function stepTask(
  step: Omit<ExecutionStepInput, 'inputs'>,
  { bindings, given: names, isFiles, code, solo }: StepTaskOptions,
): Task {
  const inputs: Record<string, Binding> = { ...bindings };
  const given = Object.fromEntries(
    names.map((name): [string, LateText] => [
      variableOf(name),
      [isFiles(name) || isArtifact(bindings[name]) ? { pathOfInput: name } : { parameter: name }],
    ]),
  );
  const data = Object.entries(bindings).flatMap(([name, binding]) =>
    'artifact' in binding && binding.artifact.dataset !== undefined
      ? datasetVariables(name, binding.artifact.dataset)
      : [],
  );
  if (code !== undefined) inputs[CODE_INPUT] = { input: CODE_INPUT };
  const body: Step = {
    command: step.command,
    variables: { ...given, ...Object.fromEntries(data), ...step.variables },
    secrets: step.secrets,
    environment: environmentOf(step.environment),
    resources: step.resources,
    ...(step.target !== undefined && { target: step.target }),
    ...(step.pool !== undefined && { pool: step.pool }),
    ...(step.timeoutSeconds !== undefined && { timeoutMs: step.timeoutSeconds * 1000 }),
    isolation: step.isolation ?? (solo ? 'preferred' : 'required'),
    network: step.network,
    cache: step.cache,
    ...(step.tracking !== undefined && { tracking: trackingOf(step.tracking) }),
    places: code === undefined ? {} : { [CODE_INPUT]: '.' },
    outputs: Object.fromEntries(
      Object.entries(step.outputs).map(([name, { path, as, optional, always, dataset }]): [string, StepOutput] => [
        name,
        as === 'files'
          ? { artifact: true, path, optional, ...(always && { always }), ...(dataset !== undefined && { dataset }) }
          : { parameter: as, path, optional },
      ]),
    ),
  };
  const { retry } = step;
  return {
    needs: step.needs,
    after: step.always ? 'completed' : 'succeeded',
    // A dependency may have failed, and then its outputs are missing.
    inputs: step.always ? optionalInputs(inputs) : inputs,
    ...(retry !== undefined && {
      retry: {
        count: retry.count,
        delayMs: retry.delaySeconds * 1000,
        factor: retry.factor,
        maxDelayMs: retry.maxDelaySeconds * 1000,
      },
    }),
    body: { step: body },
  };
}

function trackingOf({ experiment, run }: NonNullable<ExecutionStepInput['tracking']>): NonNullable<Step['tracking']> {
  return { name: experiment, ...(run !== undefined && { run }) };
}

/** Returns the environment without undefined fields. */
export function environmentOf(environment: ExecutionStepInput['environment']): Step['environment'] {
  if (environment.type !== 'python') return environment;
  const { type, version, requirements } = environment;
  return { type, requirements, ...(version !== undefined && { version }) };
}

function optionalInputs(inputs: Readonly<Record<string, Binding>>): Record<string, Binding> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, binding]) => [
      name,
      'task' in binding ? { ...binding, optional: true } : binding,
    ]),
  );
}

const isArtifact = (binding: Binding | undefined) => binding !== undefined && 'artifact' in binding;

/** Returns the variable of an input: `learning-rate` becomes `DAIS_INPUT_LEARNING_RATE`. */
function variableOf(input: string): string {
  return `DAIS_INPUT_${input.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`;
}
