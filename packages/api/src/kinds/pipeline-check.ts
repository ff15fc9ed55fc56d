/** Problems of the steps of a pipeline beyond their schema: all together, each with its path. */
import type { Issue } from '#errors.ts';
import type { PipelineSpec, PipelineStep } from '#kinds/pipeline.ts';
import { nearest } from '#nearest.ts';
import { ConditionError, conditionReferences, parseCondition } from '#pipelines/condition.ts';
import { misfit } from '#pipelines/parameters.ts';
import { parseWhichVersion } from '#records/data-reference.ts';

/** The name of the input with the code of a run. */
const RESERVED = 'code';
const MOST_STEPS = 1000;
/** Fields of commands only. */
const OF_COMMANDS = [
  'outputs',
  'variables',
  'secrets',
  'environment',
  'resources',
  'target',
  'pool',
  'timeoutSeconds',
  'retry',
  'cache',
  'isolation',
  'network',
  'tracking',
] as const;

type Steps = Readonly<Record<string, PipelineStep>>;
interface Source {
  readonly value?: unknown;
  readonly items?: unknown;
  readonly parameter?: string | undefined;
  readonly step?: string | undefined;
  readonly output?: string | undefined;
  readonly dataset?: string | undefined;
  readonly version?: string | undefined;
  readonly format?: string | undefined;
}

export function pipelineIssues(spec: PipelineSpec): Issue[] {
  const { steps, parameters = {}, outputs = {} } = spec;
  const issues: Issue[] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    const path = `spec.parameters.${name}`;
    const message = parameter.default === undefined ? undefined : misfit(parameter, parameter.default);
    if (message !== undefined) issues.push({ path: `${path}.default`, message });
    for (const [index, choice] of (parameter.choices ?? []).entries()) {
      const odd = misfit({ type: parameter.type }, choice);
      if (odd !== undefined) issues.push({ path: `${path}.choices[${index}]`, message: odd, expected: parameter.type });
    }
  }
  const names = Object.keys(steps ?? {});
  if (steps !== undefined && (names.length === 0 || names.length > MOST_STEPS)) {
    issues.push({ path: 'spec.steps', message: `has ${names.length} steps`, expected: `1 to ${MOST_STEPS}` });
  }
  const check = new StepCheck(steps ?? {}, parameters);
  for (const [name, step] of Object.entries(steps ?? {})) issues.push(...check.step(name, step));
  for (const [name, output] of Object.entries(outputs)) issues.push(...check.source(output, `spec.outputs.${name}`));
  const cycle = cycleIn(steps ?? {});
  if (cycle !== undefined) {
    issues.push({ path: `spec.steps.${cycle[0]}`, message: `steps depend on each other: ${cycle.join(' → ')}` });
  }
  return issues;
}

class StepCheck {
  readonly #steps: Steps;
  readonly #parameters: Readonly<Record<string, unknown>>;

  constructor(steps: Steps, parameters: Readonly<Record<string, unknown>>) {
    this.#steps = steps;
    this.#parameters = parameters;
  }

  step(name: string, step: PipelineStep): Issue[] {
    const path = `spec.steps.${name}`;
    const issues = [...bodyIssues(step, path), ...outputIssues(step, path), ...this.#loop(step, path)];
    for (const [index, need] of (step.needs ?? []).entries()) {
      if (!Object.hasOwn(this.#steps, need)) issues.push(unknown(`${path}.needs[${index}]`, 'step', need, this.#steps));
    }
    const variables = new Map<string, string>();
    for (const input of [...Object.keys(step.inputs ?? {}), ...(step.forEach === undefined ? [] : [step.forEach.as])]) {
      const at = `${path}.inputs.${input}`;
      const variable = input.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
      const other = variables.get(variable);
      if (input === RESERVED)
        issues.push({ path: at, message: 'is the reserved name of the code; choose another name' });
      if (other !== undefined) {
        issues.push({ path: at, message: `and ${other} would both be in the variable DAIS_INPUT_${variable}` });
      }
      variables.set(variable, input);
    }
    for (const [input, source] of Object.entries(step.inputs ?? {})) {
      if (source.dataset !== undefined && step.pipeline !== undefined) {
        const message =
          'is a files output. Pipelines pass only parameters to each other. Name the dataset in the other pipeline';
        issues.push({ path: `${path}.inputs.${input}.dataset`, message });
      }
      issues.push(...this.source(source, `${path}.inputs.${input}`));
    }
    if (step.when !== undefined) issues.push(...this.#condition(step, step.when, `${path}.when`));
    return issues;
  }

  source(source: Source, path: string): Issue[] {
    const forms = [
      ...(source.value === undefined ? [] : ['value']),
      ...(source.items === undefined ? [] : ['items']),
      ...(source.dataset === undefined ? [] : ['dataset']),
      ...(source.parameter === undefined || source.dataset !== undefined ? [] : ['parameter']),
      ...(source.step === undefined && source.output === undefined ? [] : ['step']),
    ];
    if (forms.length !== 1) {
      const message = forms.length === 0 ? 'has no source' : `comes from ${forms.join(' and ')}`;
      return [{ path, message, expected: 'exactly one of a value, `parameter`, `dataset`, or `step` with `output`' }];
    }
    const odd = datasetIssue(source, path);
    if (odd !== undefined) return [odd];
    const { parameter, step, output } = source;
    if (parameter !== undefined) {
      const there = Object.hasOwn(this.#parameters, parameter);
      return there ? [] : [unknown(`${path}.parameter`, 'parameter', parameter, this.#parameters)];
    }
    if (step === undefined && output === undefined) return [];
    if (step === undefined || output === undefined) {
      const [there, missing] = step === undefined ? ['output', 'step'] : ['step', 'output'];
      return [{ path, message: `has \`${there}\`, but no \`${missing}\`` }];
    }
    if (!Object.hasOwn(this.#steps, step)) return [unknown(`${path}.step`, 'step', step, this.#steps)];
    return this.#output(step, output, `${path}.output`);
  }

  /** Outputs of another pipeline are known when it runs. */
  #output(step: string, output: string, path: string): Issue[] {
    const { pipeline, outputs = {} } = this.#steps[step]!;
    if (pipeline !== undefined || Object.hasOwn(outputs, output)) return [];
    return [unknown(path, `output of step ${step}`, output, outputs)];
  }

  #loop({ forEach, inputs = {} }: PipelineStep, path: string): Issue[] {
    if (forEach === undefined) return [];
    const issues = this.source(forEach, `${path}.forEach`);
    if (Object.hasOwn(inputs, forEach.as)) {
      issues.push({ path: `${path}.forEach.as`, message: `is "${forEach.as}", which is an input already` });
    }
    return issues;
  }

  #condition({ inputs = {} }: PipelineStep, when: string, path: string): Issue[] {
    try {
      return conditionReferences(parseCondition(when)).flatMap((reference) => {
        const [root = '', name = '', word, output = ''] = reference;
        if (root === 'inputs' && reference.length > 1) {
          return Object.hasOwn(inputs, name) ? [] : [unknown(path, 'input', name, inputs)];
        }
        if (root === 'parameters' && reference.length > 1) {
          return Object.hasOwn(this.#parameters, name) ? [] : [unknown(path, 'parameter', name, this.#parameters)];
        }
        if (root === 'steps' && word === 'outputs' && reference.length > 3) {
          if (!Object.hasOwn(this.#steps, name)) return [unknown(path, 'step', name, this.#steps)];
          return this.#output(name, output, path);
        }
        const expected = '`inputs.NAME`, `parameters.NAME` or `steps.NAME.outputs.OUTPUT`';
        return [{ path, message: `uses ${reference.join('.')}, which does not exist`, expected }];
      });
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      return [{ path, message: `${error.message} (at character ${error.at + 1})`, expected: 'inputs.loss < 0.3' }];
    }
  }
}

function datasetIssue({ dataset, version, parameter, format }: Source, path: string): Issue | undefined {
  if (dataset === undefined) {
    const field = version === undefined ? (format === undefined ? undefined : 'format') : 'version';
    return field === undefined ? undefined : { path: `${path}.${field}`, message: 'applies only to `dataset`' };
  }
  if (version !== undefined && parameter !== undefined) {
    return { path: `${path}.version`, message: 'is set here and by `parameter`', expected: 'one of the two' };
  }
  if (version === undefined || parseWhichVersion(version) !== undefined) return undefined;
  return {
    path: `${path}.version`,
    message: `${version} names no version`,
    expected: '3, latest, 2026-11-01 or a tag',
  };
}

function unknown(path: string, what: string, name: string, there: object): Issue {
  const names = Object.keys(there);
  const near = nearest(name, names);
  return {
    path,
    message: `there is no ${what} ${name}`,
    ...(names.length > 0 && { expected: names.slice(0, 20).join(', ') }),
    ...(near !== undefined && { nearest: near }),
  };
}

function bodyIssues(step: PipelineStep, path: string): Issue[] {
  const bodies = (['command', 'run', 'python', 'pipeline'] as const).filter((one) => step[one] !== undefined);
  const expected = 'one of `command`, `run`, `python` and `pipeline`';
  if (bodies.length === 0) return [{ path, message: 'has no command', expected }];
  if (bodies.length > 1) return [{ path, message: `has ${bodies.join(' and ')}`, expected }];
  if (step.pipeline === undefined) return [];
  return OF_COMMANDS.filter((field) => step[field] !== undefined).map((field) => ({
    path: `${path}.${field}`,
    message: 'belongs to the steps of the other pipeline, not to the step that runs it',
  }));
}

function outputIssues({ outputs = {} }: PipelineStep, path: string): Issue[] {
  return Object.entries(outputs).flatMap(([name, output]): Issue[] => {
    if (output.dataset !== undefined && output.as !== 'files') {
      const message = 'creates a dataset version from files, but this output is a parameter';
      return [{ path: `${path}.outputs.${name}.dataset`, message, expected: 'as: files' }];
    }
    const parts = output.path.split('/');
    if (parts.every((part) => part !== '' && part !== '.' && part !== '..') && !output.path.includes('\\')) return [];
    const message = 'leaves the working folder, or has an empty segment';
    return [{ path: `${path}.outputs.${name}.path`, message, expected: 'results/model' }];
  });
}

/** Predecessors of a step. */
function needsOf({ needs = [], inputs = {}, forEach, when }: PipelineStep): readonly string[] {
  const sources = [...Object.values(inputs), ...(forEach === undefined ? [] : [forEach])];
  return [...new Set([...needs, ...sources.flatMap(({ step }) => step ?? []), ...stepsOf(when)])];
}

function stepsOf(when: string | undefined): readonly string[] {
  try {
    const references = when === undefined ? [] : conditionReferences(parseCondition(when));
    return references.flatMap(([root, name]) => (root === 'steps' && name !== undefined ? [name] : []));
  } catch {
    return [];
  }
}

/** The names along one cycle, the first one again at its end. With at most a thousand steps, recursion is safe. */
function cycleIn(steps: Steps): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (step === undefined || done.has(name)) return undefined;
    for (const need of needsOf(step)) {
      const cycle = visit(need, [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(steps)) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
