import { DaisError } from '@dais/api';
import { describe, expect, test } from 'vitest';
import type { Artifact, Json, Task } from '#ledgers/executions/index.ts';
import { IMPORTED_DATASET } from '../runtime/kfp-step.ts';
import { compileIr, type IrOptions } from './compile.ts';
import { readIr } from './pipeline-file.ts';

const OPTIONS: IrOptions = {
  name: 'run one',
  runId: 'r1',
  parameters: {},
  images: [],
  imageProblem: 'podman is missing',
  isolation: 'required',
  now: new Date('2026-11-26T09:30:00Z'),
  successState: 'COMPLETE',
  dataset: () => undefined,
};

interface SpecFields {
  readonly components?: object;
  readonly executors?: object;
  readonly tasks?: object;
  readonly inputs?: object;
  readonly outputs?: object;
  readonly platform?: object;
}

const SAY = {
  executorLabel: 'exec-say',
  inputDefinitions: { parameters: { word: { parameterType: 'STRING' } } },
  outputDefinitions: { parameters: { out: { parameterType: 'STRING' } } },
};
const CONTAINER = { container: { image: 'python:3.11', command: ['echo'] } };

function compiled(fields: SpecFields, options: Partial<IrOptions> = {}) {
  const { components = {}, executors = {}, tasks = {}, inputs = {}, outputs, platform } = fields;
  const ir = readIr({
    pipeline_spec: {
      pipelineInfo: { name: 'p' },
      schemaVersion: '2.1.0',
      components: { 'comp-say': SAY, ...components },
      deploymentSpec: { executors: { 'exec-say': CONTAINER, ...executors } },
      root: { inputDefinitions: { parameters: inputs }, dag: { tasks, ...(outputs !== undefined && { outputs }) } },
    },
    ...(platform !== undefined && {
      platform_spec: { platforms: { kubernetes: { deploymentSpec: { executors: { 'exec-say': platform } } } } },
    }),
  });
  return compileIr(ir, { ...OPTIONS, ...options });
}

const say = (word: object, more: object = {}) => ({
  componentRef: { name: 'comp-say' },
  inputs: { parameters: { word } },
  ...more,
});
const constant = (value: Json) => ({ runtimeValue: { constant: value } });
const taskOf = (fields: SpecFields, options?: Partial<IrOptions>): Task => compiled(fields, options).plan.tasks['say']!;

function refusal(work: () => unknown): DaisError {
  try {
    work();
  } catch (error) {
    if (error instanceof DaisError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('inputs of tasks', () => {
  test.each<[string, object, object]>([
    ['a constant', constant('x'), { value: 'x' }],
    ['a constant of another type', constant(5), { value: '5' }],
    ['an input of the pipeline', { componentInputParameter: 'a' }, { input: 'a', as: 'text' }],
    [
      'a member of one',
      { componentInputParameter: 'a', parameterExpressionSelector: 'parseJson(string_value)["k"]' },
      { input: 'a', path: ['k'], as: 'text' },
    ],
    ['names of the run', constant('{{$.pipeline_job_name}}/{{$.pipeline_task_name}}'), { value: 'run one/say' }],
    [
      'a text of others',
      constant("<{{$.inputs.parameters['word']}}>"),
      { compose: { text: ['<', { input: 'word' }, '>'] } },
    ],
  ])('%s', (_, word, binding) => {
    expect(
      taskOf({ inputs: { a: { parameterType: 'STRING', defaultValue: 'd' } }, tasks: { say: say(word) } }).inputs[
        'word'
      ],
    ).toEqual(binding);
  });

  test('missing inputs of a dag component have their default or no value', () => {
    const inner = {
      inputDefinitions: {
        parameters: {
          a: { parameterType: 'STRING', isOptional: true },
          b: { parameterType: 'NUMBER_INTEGER', defaultValue: 2 },
        },
      },
      dag: { tasks: { say: say({ componentInputParameter: 'a' }) } },
    };
    const { plan } = compiled({
      components: { 'comp-in': inner },
      tasks: { in: { componentRef: { name: 'comp-in' } } },
    });
    expect(plan.tasks['in']?.inputs).toEqual({ a: { value: null }, b: { value: 2 } });
  });
});

describe('parameters of a run', () => {
  const inputs = {
    n: { parameterType: 'NUMBER_INTEGER' },
    mode: { parameterType: 'STRING', defaultValue: 'fast', literals: ['fast', 'slow'] },
    maybe: { parameterType: 'LIST', isOptional: true },
  };
  const given = (parameters: Readonly<Record<string, Json>>) => compiled({ inputs }, { parameters }).inputs;

  test('are given values, defaults or missing, with replaced macros', () => {
    expect(given({ n: 1 })).toEqual({ n: { parameter: 1 }, mode: { parameter: 'fast' }, maybe: { parameter: null } });
    const text = { inputs: { t: { parameterType: 'STRING' } } };
    const parameters = { t: '[[RunUUID]]/[[CurrentTime]]/[[Index]]/[[Other]]' };
    expect(compiled(text, { parameters, index: 3 }).inputs).toEqual({
      t: { parameter: 'r1/20261126093000/3/[[Other]]' },
    });
  });

  test('are validated, with all errors reported together', () => {
    const { code, issues = [] } = refusal(() => given({ n: 1.5, mode: 'medium', extra: 1 }));
    expect(code).toBe('invalid_request');
    expect(issues.map(({ path, message, expected }) => `${path} ${message} (${expected})`)).toEqual([
      'parameters.extra is not a parameter of the pipeline; its parameters: maybe, mode, n (undefined)',
      'parameters.n is 1.5 (NUMBER_INTEGER)',
      'parameters.mode is "medium" (one of ["fast","slow"])',
    ]);
    expect(refusal(() => given({})).message).toContain('n is required');
  });

  test('are not required for inspection', () => {
    expect(Object.keys(compiled({ inputs }, { parameters: undefined }).inputs)).toEqual(['n', 'mode', 'maybe']);
  });
});

describe('how tasks run', () => {
  test('conditions, strategies, retries, limits of loops', () => {
    const task = taskOf({
      tasks: {
        first: say(constant('1')),
        say: say(
          { taskOutputParameter: { producerTask: 'first', outputParameterKey: 'out' } },
          {
            triggerPolicy: {
              condition: "inputs.parameter_values['word'] == 'a'",
              strategy: 'ALL_UPSTREAM_TASKS_COMPLETED',
            },
            retryPolicy: { maxRetryCount: 2, backoffDuration: '1.5s', backoffFactor: 3, backoffMaxDuration: '10s' },
          },
        ),
      },
    });
    expect(task).toMatchObject({
      after: 'completed',
      when: { compare: '==', left: { input: 'word' }, right: { value: 'a' } },
      retry: { count: 2, delayMs: 1500, factor: 3, maxDelayMs: 10_000 },
    });
  });

  test('a loop iterates over a constant of the pipeline, also with a single step', () => {
    const task = taskOf({
      tasks: {
        say: {
          componentRef: { name: 'comp-say' },
          parameterIterator: { itemInput: 'word', items: { raw: '["a", "b"]' } },
          iteratorPolicy: { parallelismLimit: 1 },
        },
      },
    });
    expect(task.each).toEqual({ items: 'word--items', as: 'word', parallel: 1 });
    expect(task.inputs).toEqual({ 'word--items': { value: ['a', 'b'] } });
    expect('step' in task.body).toBe(true);
  });

  test('the retry policy of a nested pipeline applies to its steps', () => {
    const { plan } = compiled({
      components: { 'comp-in': { dag: { tasks: { say: say(constant('x')) } } } },
      tasks: { in: { componentRef: { name: 'comp-in' }, retryPolicy: { maxRetryCount: 2 } } },
    });
    const { body, retry } = plan.tasks['in']!;
    expect(retry).toBeUndefined();
    expect('graph' in body && body.graph.tasks['say']?.retry?.count).toBe(2);
  });
});

describe('the image', () => {
  const image = (name: string) => ({ 'exec-say': { container: { image: name, command: ['echo'] } } });

  test('can be a parameter that is known when the run starts', () => {
    const fields = {
      inputs: { image: { parameterType: 'STRING' } },
      executors: image("{{$.inputs.parameters['word']}}"),
      tasks: { say: say({ componentInputParameter: 'image' }) },
    };
    const { body } = taskOf(fields, { parameters: { image: 'python:3.12-slim' } });
    expect('step' in body && body.step.environment).toEqual({ type: 'python', version: '3.12', requirements: [] });
  });

  test('is rejected with a remedy if it cannot be run, and all such images are reported', () => {
    const tasks = { say: say(constant('x')), again: say(constant('y')) };
    const { message, issues = [] } = refusal(() => compiled({ executors: image('alpine'), tasks }));
    expect(message).toMatch(/comp-say uses image alpine.*python:3\.11.*spec\.images/);
    expect(issues.map(({ path }) => path)).toEqual(['say.image', 'again.image']);
  });

  test('is rejected with that reason if it creates a volume', () => {
    const volume = { 'exec-say': { container: { image: 'argostub/createpvc' } } };
    expect(refusal(() => compiled({ executors: volume, tasks: { say: say(constant('x')) } })).message).toContain(
      'as artifacts',
    );
  });
});

describe('Kubernetes', () => {
  const tasks = { say: say(constant('x')) };

  test('secrets and config maps are read from Secrets of the project, and a deadline is a time limit', () => {
    const { body } = taskOf({
      inputs: { which: { parameterType: 'STRING', defaultValue: 'named' } },
      platform: {
        secretAsEnv: [
          { secretNameParameter: constant('fixed'), keyToEnv: [{ secretKey: 'k', envVar: 'A' }] },
          {
            secretNameParameter: { componentInputParameter: 'which' },
            optional: true,
            keyToEnv: [{ secretKey: 'k', envVar: 'B' }],
          },
        ],
        configMapAsEnv: [{ configMapName: 'conf', keyToEnv: [{ configMapKey: 'c', envVar: 'C' }] }],
        activeDeadlineSeconds: '30',
      },
      tasks,
    });
    expect(body).toMatchObject({
      step: {
        secrets: {
          A: { secret: 'fixed', key: 'k' },
          B: { secret: 'named', key: 'k', optional: true },
          C: { secret: 'conf', key: 'c' },
        },
        timeoutMs: 30_000,
      },
    });
  });

  test('warns about settings that apply only to pods', () => {
    const { warnings } = compiled({ platform: { tolerations: [{ key: 'x' }], pvcMount: [] }, tasks });
    expect(warnings).toEqual(['say: tolerations is ignored: there is one machine']);
  });

  test('a secret name from the output of a task is rejected, because the starter of the run must be permitted to use it', () => {
    const platform = {
      secretAsEnv: [
        {
          secretNameParameter: { taskOutputParameter: { producerTask: 'say', outputParameterKey: 'out' } },
          keyToEnv: [],
        },
      ],
    };
    expect(refusal(() => compiled({ platform, tasks })).message).toContain('takes a name from the output of a task');
  });
});

describe('rows of a dataset, by an importer', () => {
  const bring = (uri: object): SpecFields => ({
    components: {
      'comp-bring': {
        executorLabel: 'exec-bring',
        inputDefinitions: { parameters: { uri: { parameterType: 'STRING' } } },
        outputDefinitions: { artifacts: { artifact: {} } },
      },
    },
    executors: { 'exec-bring': { importer: { artifactUri: { runtimeParameter: 'uri' } } } },
    inputs: { rows: { parameterType: 'STRING', defaultValue: 'dais://datasets/flights@7' } },
    tasks: { say: { componentRef: { name: 'comp-bring' }, inputs: { parameters: { uri } } } },
  });
  const ROWS: Artifact = { run: '', prefix: '', folder: true, files: 0, bytes: 0, digest: 'abc' };

  test.each<[string, object, Record<string, Json>, string[]]>([
    ['a constant', constant('dais://datasets/flights'), {}, ['parquet flights@latest']],
    ['a parameter of the run', { componentInputParameter: 'rows' }, { rows: 'dais://datasets/x@3' }, ['parquet x@3']],
    ['its default', { componentInputParameter: 'rows' }, {}, ['parquet flights@7']],
    ['as CSV', constant('dais://datasets/flights@7?format=csv'), {}, ['csv flights@7']],
    ['a format that is none', constant('dais://datasets/flights?format=xml'), {}, []],
    ['another address', constant('https://example.com/flights'), {}, []],
    ['no name', constant('dais://datasets/'), {}, []],
  ])('%s', (_, uri, parameters, expected) => {
    const requests: string[] = [];
    const dataset: IrOptions['dataset'] = ({ reference, format }) => {
      requests.push(`${format} ${reference}`);
      return ROWS;
    };
    const { inputs } = taskOf(bring(uri), { parameters, dataset });
    expect(requests).toEqual(expected);
    expect(inputs[IMPORTED_DATASET]).toEqual(expected.length === 0 ? undefined : { artifact: ROWS });
  });
});

test('a pipeline that requires input artifacts cannot be run', () => {
  const ir = readIr({
    pipeline_spec: {
      pipelineInfo: { name: 'p' },
      schemaVersion: '2.1.0',
      root: { inputDefinitions: { artifacts: { data: {} } }, dag: {} },
    },
  });
  expect(refusal(() => compileIr(ir, OPTIONS)).message).toContain('requires the input artifacts data');
});
