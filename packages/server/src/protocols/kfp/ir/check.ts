/** Validates a pipeline beyond the schema of its messages, and reports all errors with their paths. */
import type { Issue } from '@dais/api';
import { ConditionError, conditionOf, selectorPath } from './condition.ts';
import type { ComponentSpec, DagSpec, PipelineSpec, TaskSpec } from './messages.ts';
import { VOLUME_IMAGES } from './image.ts';
import { durationMs } from './quantities.ts';

const SCHEMA_VERSION = '2.1.0';
const NAME = /^[a-z0-9][a-z0-9.-]*$/;

type ReportIssue = (path: string, message: string, expected?: string) => void;

interface DagContext {
  readonly spec: PipelineSpec;
  readonly around: ComponentSpec;
  readonly dag: DagSpec;
  readonly report: ReportIssue;
}

export function irIssues(spec: PipelineSpec): Issue[] {
  const issues: Issue[] = [];
  const report: ReportIssue = (path, message, expected) =>
    issues.push({ path, message, ...(expected !== undefined && { expected }) });
  if (spec.schemaVersion !== SCHEMA_VERSION) report('schemaVersion', `is ${spec.schemaVersion}`, SCHEMA_VERSION);
  if (!NAME.test(spec.pipelineInfo.name)) {
    report(
      'pipelineInfo.name',
      `is ${JSON.stringify(spec.pipelineInfo.name)}`,
      'a-z, 0-9, - and ., with a letter or digit first',
    );
  }
  if (spec.root.dag === undefined) report('root', 'has no dag');
  checkComponent(spec, spec.root, 'root', report);
  for (const [name, component] of Object.entries(spec.components ?? {})) {
    checkComponent(spec, component, `components.${name}`, report);
  }
  const inside = cycleAmong(Object.keys(spec.components ?? {}), (name) =>
    Object.values(spec.components?.[name]?.dag?.tasks ?? {}).map(({ componentRef }) => componentRef.name),
  );
  if (inside !== undefined)
    report(`components.${inside[0]}`, `components contain each other in a cycle: ${inside.join(' → ')}`);
  return issues;
}

function checkComponent(spec: PipelineSpec, component: ComponentSpec, path: string, report: ReportIssue): void {
  const { dag, executorLabel } = component;
  if ((dag === undefined) === (executorLabel === undefined)) {
    if (path !== 'root') report(path, 'must have either a dag or an executorLabel');
  } else if (executorLabel !== undefined) checkExecutor(spec, component, executorLabel, path, report);
  if (dag !== undefined) checkDag({ spec, around: component, dag, report }, `${path}.dag`);
}

function checkExecutor(
  spec: PipelineSpec,
  component: ComponentSpec,
  label: string,
  path: string,
  report: ReportIssue,
): void {
  const executor = spec.deploymentSpec?.executors?.[label];
  if (executor === undefined) return report(`${path}.executorLabel`, `executor ${label} does not exist`);
  const at = `deploymentSpec.executors.${label}`;
  const { container, importer, resolver, customJob } = executor;
  if (resolver !== undefined)
    return report(`${at}.resolver`, 'artifact queries are not supported; pass the artifact as an input');
  if (customJob !== undefined)
    return report(`${at}.customJob`, 'is a Vertex AI job, which is not supported; use a container');
  if (container === undefined && importer === undefined) return report(at, 'has neither a container nor an importer');
  const elements = [...(container?.command ?? []), ...(container?.args ?? [])];
  // A marker that creates a volume. The check of its image rejects it with a reason.
  if (container !== undefined && elements.length === 0 && !container.image.startsWith(VOLUME_IMAGES)) {
    report(`${at}.container`, 'has no command; the entrypoint of the image is not available, so specify the command');
  }
  if (importer === undefined) return;
  const outputs = Object.keys(component.outputDefinitions?.artifacts ?? {});
  if (outputs.length !== 1) report(`${path}.outputDefinitions`, 'an importer must have exactly one output artifact');
  const { runtimeParameter } = importer.artifactUri;
  if (runtimeParameter !== undefined && component.inputDefinitions?.parameters?.[runtimeParameter] === undefined) {
    report(`${at}.importer.artifactUri`, `input ${runtimeParameter} does not exist`);
  }
}

function checkDag(context: DagContext, path: string): void {
  const { dag, report } = context;
  const tasks = dag.tasks ?? {};
  for (const [name, task] of Object.entries(tasks)) checkTask(context, task, `${path}.tasks.${name}`);
  const cycle = cycleAmong(Object.keys(tasks), (name) =>
    producersOf(tasks[name]!).filter((one) => Object.hasOwn(tasks, one)),
  );
  if (cycle !== undefined)
    report(`${path}.tasks.${cycle[0]}`, `tasks depend on each other in a cycle: ${cycle.join(' → ')}`);
  for (const [name, { valueFromParameter, valueFromOneof }] of Object.entries(dag.outputs?.parameters ?? {})) {
    const at = `${path}.outputs.parameters.${name}`;
    const selectors = [
      ...(valueFromParameter === undefined ? [] : [valueFromParameter]),
      ...(valueFromOneof?.parameterSelectors ?? []),
    ];
    if (selectors.length === 0) report(at, 'has no source');
    for (const { producerSubtask, outputParameterKey } of selectors) {
      checkOutput(context, at, producerSubtask, 'parameters', outputParameterKey);
    }
  }
  for (const [name, { artifactSelectors }] of Object.entries(dag.outputs?.artifacts ?? {})) {
    const at = `${path}.outputs.artifacts.${name}`;
    if (artifactSelectors.length === 0) report(at, 'has no source');
    for (const { producerSubtask, outputArtifactKey } of artifactSelectors) {
      checkOutput(context, at, producerSubtask, 'artifacts', outputArtifactKey);
    }
  }
}

function checkTask(context: DagContext, task: TaskSpec, path: string): void {
  const { spec, around, dag, report } = context;
  const component = spec.components?.[task.componentRef.name];
  if (component === undefined)
    return report(`${path}.componentRef`, `component ${task.componentRef.name} does not exist`);
  for (const need of task.dependentTasks ?? []) {
    if (dag.tasks?.[need] === undefined) report(`${path}.dependentTasks`, `task ${need} does not exist`);
  }
  checkIterator(task, component, path, report);
  const { parameters = {}, artifacts = {} } = task.inputs ?? {};
  for (const [name, input] of Object.entries(parameters)) {
    const at = `${path}.inputs.parameters.${name}`;
    const { runtimeValue, componentInputParameter, taskOutputParameter, taskFinalStatus, parameterExpressionSelector } =
      input;
    const sources = [runtimeValue, componentInputParameter, taskOutputParameter, taskFinalStatus];
    if (sources.filter((source) => source !== undefined).length !== 1) report(at, 'must have exactly one source');
    for (const parameter of [componentInputParameter, runtimeValue?.runtimeParameter]) {
      if (parameter !== undefined && around.inputDefinitions?.parameters?.[parameter] === undefined) {
        report(at, `the enclosing component has no input ${parameter}`);
      }
    }
    if (taskOutputParameter !== undefined) {
      checkOutput(context, at, taskOutputParameter.producerTask, 'parameters', taskOutputParameter.outputParameterKey);
    }
    if (taskFinalStatus !== undefined && dag.tasks?.[taskFinalStatus.producerTask] === undefined) {
      report(at, `task ${taskFinalStatus.producerTask} does not exist`);
    }
    if (parameterExpressionSelector !== undefined) attempt(at, report, () => selectorPath(parameterExpressionSelector));
  }
  for (const [name, { componentInputArtifact, taskOutputArtifact }] of Object.entries(artifacts)) {
    const at = `${path}.inputs.artifacts.${name}`;
    if ((componentInputArtifact === undefined) === (taskOutputArtifact === undefined))
      report(at, 'must have exactly one source');
    if (component.inputDefinitions?.artifacts?.[name] === undefined)
      report(at, `${task.componentRef.name} has no such input`);
    if (
      componentInputArtifact !== undefined &&
      around.inputDefinitions?.artifacts?.[componentInputArtifact] === undefined
    ) {
      report(at, `the enclosing component has no input ${componentInputArtifact}`);
    }
    if (taskOutputArtifact !== undefined) {
      checkOutput(context, at, taskOutputArtifact.producerTask, 'artifacts', taskOutputArtifact.outputArtifactKey);
    }
  }
  checkGiven(task, component, path, report);
  const condition = task.triggerPolicy?.condition;
  if (condition !== undefined && condition !== '')
    attempt(`${path}.triggerPolicy.condition`, report, () => conditionOf(condition));
  for (const field of ['backoffDuration', 'backoffMaxDuration'] as const) {
    const text = task.retryPolicy?.[field];
    if (text !== undefined && durationMs(text) === undefined)
      report(`${path}.retryPolicy.${field}`, `is ${JSON.stringify(text)}`, '30s');
  }
}

/** Reports required inputs of the component without a source. */
function checkGiven(task: TaskSpec, component: ComponentSpec, path: string, report: ReportIssue): void {
  const { parameters = {}, artifacts = {} } = component.inputDefinitions ?? {};
  const given = new Set([
    ...Object.keys(task.inputs?.parameters ?? {}),
    task.parameterIterator?.itemInput ?? '',
    task.artifactIterator?.itemInput ?? '',
  ]);
  for (const [name, { defaultValue, isOptional, parameterType }] of Object.entries(parameters)) {
    const isFree = defaultValue !== undefined || isOptional === true || parameterType === 'TASK_CONFIG';
    if (!given.has(name) && !isFree) report(`${path}.inputs.parameters`, `required input ${name} is missing`);
  }
  for (const [name, { isOptional }] of Object.entries(artifacts)) {
    if (given.has(name) || task.inputs?.artifacts?.[name] !== undefined || isOptional === true) continue;
    report(`${path}.inputs.artifacts`, `required input ${name} is missing`);
  }
}

function checkIterator(task: TaskSpec, component: ComponentSpec, path: string, report: ReportIssue): void {
  const { parameterIterator, artifactIterator } = task;
  if (parameterIterator !== undefined && artifactIterator !== undefined) {
    report(path, 'must iterate over either parameters or artifacts');
  }
  if (parameterIterator !== undefined) {
    const at = `${path}.parameterIterator`;
    const { raw, inputParameter } = parameterIterator.items;
    if ((raw === undefined) === (inputParameter === undefined))
      report(`${at}.items`, 'must be either raw or an inputParameter');
    if (raw !== undefined && itemsIn(raw) === undefined) report(`${at}.items.raw`, 'is not a JSON list');
    if (inputParameter !== undefined && task.inputs?.parameters?.[inputParameter] === undefined) {
      report(`${at}.items`, `the task has no input ${inputParameter}`);
    }
    if (component.inputDefinitions?.parameters?.[parameterIterator.itemInput] === undefined) {
      report(`${at}.itemInput`, `${task.componentRef.name} has no input ${parameterIterator.itemInput}`);
    }
  }
  if (artifactIterator === undefined) return;
  const at = `${path}.artifactIterator`;
  if (task.inputs?.artifacts?.[artifactIterator.items.inputArtifact] === undefined) {
    report(`${at}.items`, `the task has no input ${artifactIterator.items.inputArtifact}`);
  }
  if (component.inputDefinitions?.artifacts?.[artifactIterator.itemInput] === undefined) {
    report(`${at}.itemInput`, `${task.componentRef.name} has no input ${artifactIterator.itemInput}`);
  }
}

/** Returns the items of a loop over a JSON constant. */
export function itemsIn(raw: string): readonly unknown[] | undefined {
  try {
    const items: unknown = JSON.parse(raw);
    return Array.isArray(items) ? items : undefined;
  } catch {
    return undefined;
  }
}

function checkOutput(
  { spec, dag, report }: DagContext,
  path: string,
  producer: string,
  kind: 'parameters' | 'artifacts',
  output: string,
): void {
  const task = dag.tasks?.[producer];
  if (task === undefined) return report(path, `task ${producer} does not exist`);
  const component = spec.components?.[task.componentRef.name];
  if (component !== undefined && component.outputDefinitions?.[kind]?.[output] === undefined) {
    report(path, `task ${producer} has no output ${output}`);
  }
}

function attempt(path: string, report: ReportIssue, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    report(path, error.message);
  }
}

function producersOf({ dependentTasks = [], inputs = {} }: TaskSpec): readonly string[] {
  const parameters = Object.values(inputs.parameters ?? {}).flatMap(({ taskOutputParameter, taskFinalStatus }) => [
    ...(taskOutputParameter === undefined ? [] : [taskOutputParameter.producerTask]),
    ...(taskFinalStatus === undefined ? [] : [taskFinalStatus.producerTask]),
  ]);
  const artifacts = Object.values(inputs.artifacts ?? {}).flatMap(({ taskOutputArtifact }) =>
    taskOutputArtifact === undefined ? [] : [taskOutputArtifact.producerTask],
  );
  return [...new Set([...dependentTasks, ...parameters, ...artifacts])];
}

/** Returns the names along one cycle, with the first name repeated at the end. */
function cycleAmong(
  names: readonly string[],
  next: (name: string) => readonly string[],
): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of names) {
    // An explicit stack: a chain of ten thousand tasks must not be a recursion of that depth.
    const trail: { readonly name: string; readonly left: string[] }[] = [];
    const onTrail = new Set<string>();
    const enter = (name: string): void => {
      trail.push({ name, left: [...next(name)] });
      onTrail.add(name);
    };
    if (!done.has(start)) enter(start);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const one = top.left.pop();
      if (one === undefined) {
        done.add(top.name);
        onTrail.delete(top.name);
        trail.pop();
      } else if (onTrail.has(one)) {
        const along = trail.map(({ name }) => name);
        return [...along.slice(along.indexOf(one)), one];
      } else if (!done.has(one)) enter(one);
    }
  }
  return undefined;
}
