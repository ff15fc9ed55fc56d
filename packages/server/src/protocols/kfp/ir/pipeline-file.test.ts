import { gzipSync } from 'node:zlib';
import { DaisError } from '@dais/api';
import { describe, expect, test } from 'vitest';
import { zip } from '#lib/formats/zip.testing.ts';
import { readIr, readPipelineFile, type PipelineDocument } from './pipeline-file.ts';
import { readYaml } from './yaml-text.ts';

const SMALL = `
components:
  comp-say:
    executorLabel: exec-say
    inputDefinitions: {parameters: {word: {parameterType: STRING}}}
deploymentSpec:
  executors:
    exec-say: {container: {image: 'python:3.11', command: [echo, "{{$.inputs.parameters['word']}}"]}}
pipelineInfo: {name: small, displayName: Small, description: prints a word}
root:
  dag:
    tasks:
      say:
        componentRef: {name: comp-say}
        inputs: {parameters: {word: {runtimeValue: {constant: 12e5}}}}
        taskInfo: {name: say}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.3
`;
const PLATFORM = 'platforms: {kubernetes: {deploymentSpec: {executors: {exec-say: {activeDeadlineSeconds: 5}}}}}\n';

const read = (text: string | Buffer) => readPipelineFile(Buffer.from(text));

function refusal(work: () => unknown): DaisError {
  try {
    work();
  } catch (error) {
    if (error instanceof DaisError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('YAML as PyYAML reads it', () => {
  test.each<[string, unknown]>([
    ['12e5', '12e5'],
    ['1e3', '1e3'],
    ['1e+3', '1e+3'],
    ['0o17', '0o17'],
    ['017', 15],
    ['0x1F', 31],
    ['0b101', 5],
    ['1_000', 1000],
    ['1.0', 1],
    ['1.5e+3', 1500],
    ['-.5', '-.5'],
    ['.5', 0.5],
    ['.inf', Infinity],
    ['1:30', 90],
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['~', null],
    ['2026-01-01', '2026-01-01'],
    ["'12'", '12'],
  ])('%s', (text, value) => {
    expect(readYaml(`a: ${text}\n`, 'It')).toEqual([{ a: value }]);
  });

  test.each([
    ['a: [1', 'is not valid YAML'],
    ['a: 1\na: 2', 'duplicated mapping key at line 2, column 1'],
    ['['.repeat(5000), 'is not valid YAML'],
    ['a: !!python/object:os.system x', 'unknown tag'],
  ])('%j is rejected', (text, message) => {
    expect(refusal(() => readYaml(text, 'It')).message).toContain(message);
  });
});

describe('the file of a pipeline', () => {
  test('is one document or two, in any order', () => {
    expect(readIr(read(SMALL)).spec.pipelineInfo).toEqual({
      name: 'small',
      displayName: 'Small',
      description: 'prints a word',
    });
    const both = read(`${SMALL}---\n${PLATFORM}`);
    expect(read(`${PLATFORM}---\n${SMALL}`)).toEqual(both);
    expect(readIr(both).platform?.platforms.kubernetes?.deploymentSpec?.executors?.['exec-say']).toEqual({
      activeDeadlineSeconds: 5,
    });
  });

  test('can be JSON in each of its wrappers', () => {
    const { pipeline_spec: spec } = read(SMALL);
    expect(read(JSON.stringify(spec))).toEqual({ pipeline_spec: spec });
    const whole = read(`${SMALL}---\n${PLATFORM}`);
    expect(read(JSON.stringify(whole))).toEqual(whole);
    const native = { kind: 'PipelineVersion', spec: { pipelineSpec: spec } };
    expect(read(JSON.stringify(native))).toEqual({ pipeline_spec: spec });
  });

  test('can be in an archive', () => {
    const plain = read(SMALL);
    expect(read(zip({ 'a.txt': 'x', 'dir/p.yaml': SMALL }))).toEqual(plain);
    expect(read(zip({ 'pipeline.yaml': SMALL, 'other.yaml': 'x: 1' }))).toEqual(plain);
    expect(read(gzipSync(tar({ 'pipeline.yaml': SMALL, 'readme.md': 'x' })))).toEqual(plain);
  });

  test.each<[string, Buffer, string, string]>([
    ['without a pipeline', zip({ 'a.txt': 'x' }), 'invalid_request', 'contains no .yaml file'],
    ['with two', zip({ 'a.yaml': 'x', 'b.yaml': 'y' }), 'invalid_request', 'contains 2 .yaml files'],
    ['with a path outside', zip({ '../a.yaml': SMALL }), 'unsafe_path', 'outside the archive'],
    ['with an absolute path', gzipSync(tar({ '/etc/a.yaml': SMALL })), 'unsafe_path', 'outside the archive'],
    ['that is truncated', zip({ 'pipeline.yaml': SMALL }).subarray(0, 60), 'invalid_request', 'is damaged'],
    ['that is not a tar file inside', gzipSync('nothing'.repeat(200)), 'invalid_request', 'is not a tar file'],
    ['that unpacks to too many bytes', gzipSync(Buffer.alloc(40 * 2 ** 20)), 'too_large', 'unpacks to more than'],
  ])('an archive %s is rejected', (_, bytes, code, message) => {
    const error = refusal(() => readPipelineFile(bytes));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  test('is rejected if it expands to too many values or is nested too deeply', () => {
    const rows = Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]`);
    const bomb = `a0: &a0 x\n${rows.join('\n')}\n${SMALL}`;
    expect(refusal(() => read(bomb)).message).toContain('expands to more than 1000000 values');
    const deep = `{"pipelineInfo": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    expect(refusal(() => read(deep)).message).toContain('is nested more than 200 levels deep');
  });

  test.each([
    ['', 'contains no pipeline'],
    ['- a\n', 'neither a pipeline'],
    [`${SMALL}---\n${SMALL}`, 'contains 2 pipelines'],
    ['\u0000', 'is not text'],
  ])('%j is rejected', (text, message) => {
    expect(refusal(() => read(text)).message).toContain(message);
  });
});

describe('the content of a pipeline', () => {
  const document = (change: (spec: Spec) => void): PipelineDocument => {
    const spec = structuredClone(read(SMALL).pipeline_spec) as Spec;
    change(spec);
    return { pipeline_spec: spec };
  };
  const issuesOf = (change: (spec: Spec) => void) =>
    (refusal(() => readIr(document(change))).issues ?? []).map(({ path, message }) => `${path}: ${message}`);

  test('can be in snake_case', () => {
    const text = SMALL.replaceAll('executorLabel', 'executor_label').replaceAll('componentRef', 'component_ref');
    expect(readIr(read(text)).spec).toEqual(readIr(read(SMALL)).spec);
  });

  test('has a warning for unknown fields', () => {
    const changed = document((spec) => Object.assign(spec.root.dag.tasks['say']!, { newField: 1 }));
    expect(readIr(changed).warnings).toEqual(['root.dag.tasks.say.newField is an unknown field and is ignored']);
  });

  test('has all its errors reported', () => {
    expect(
      issuesOf((spec) => {
        spec.schemaVersion = '2.0.0';
        spec.pipelineInfo.name = 'Not so';
        const { say } = spec.root.dag.tasks;
        Object.assign(say!, { dependentTasks: ['gone'], triggerPolicy: { condition: "inputs.parameter_values['x'" } });
        spec.root.dag.tasks['two'] = { componentRef: { name: 'comp-none' } };
        spec.root.dag.tasks['three'] = { componentRef: { name: 'comp-say' } };
      }),
    ).toEqual([
      'schemaVersion: is 2.0.0',
      'pipelineInfo.name: is "Not so"',
      'root.dag.tasks.say.dependentTasks: task gone does not exist',
      'root.dag.tasks.say.triggerPolicy.condition: has no ] where one is expected',
      'root.dag.tasks.two.componentRef: component comp-none does not exist',
      'root.dag.tasks.three.inputs.parameters: required input word is missing',
    ]);
  });

  test('is rejected for cycles of tasks or of components', () => {
    expect(
      issuesOf((spec) => {
        const { tasks } = spec.root.dag;
        Object.assign(tasks['say']!, { dependentTasks: ['again'] });
        tasks['again'] = { ...tasks['say'], dependentTasks: ['say'] };
      }),
    ).toEqual(['root.dag.tasks.say: tasks depend on each other in a cycle: say → again → say']);
    expect(
      issuesOf((spec) => {
        spec.components['comp-a'] = { dag: { tasks: { b: { componentRef: { name: 'comp-b' } } } } };
        spec.components['comp-b'] = { dag: { tasks: { a: { componentRef: { name: 'comp-a' } } } } };
      }),
    ).toEqual(['components.comp-a: components contain each other in a cycle: comp-a → comp-b → comp-a']);
  });

  test.each<[string, object, string]>([
    ['a resolver', { resolver: {} }, 'artifact queries are not supported'],
    ['a custom job', { customJob: {} }, 'is a Vertex AI job'],
    ['nothing', {}, 'has neither a container nor an importer'],
    ['an image alone', { container: { image: 'python:3.11' } }, 'has no command'],
  ])('is rejected if an executor is %s', (_, executor, message) => {
    const [issue] = issuesOf((spec) => {
      spec.deploymentSpec.executors['exec-say'] = executor;
    });
    expect(issue).toContain(message);
  });
});

interface Spec {
  schemaVersion: string;
  readonly pipelineInfo: { name: string };
  readonly components: Record<string, object>;
  readonly deploymentSpec: { readonly executors: Record<string, object> };
  readonly root: { readonly dag: { readonly tasks: Record<string, object> } };
}

/** Returns a minimal tar file with these files. */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const head = Buffer.alloc(512);
    head.write(name, 0);
    head.write(Buffer.byteLength(text).toString(8).padStart(11, '0'), 124);
    head.write('0', 156);
    head.write('ustar', 257);
    return [head, Buffer.from(text), Buffer.alloc((512 - (Buffer.byteLength(text) % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
