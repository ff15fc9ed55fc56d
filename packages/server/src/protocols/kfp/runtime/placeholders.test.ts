import { describe, expect, test } from 'vitest';
import { resolvedText, resolvedElements, type ExecutorInput } from './placeholders.ts';

const data = { name: 'd', type: { schemaTitle: 'system.Dataset' }, uri: '/w/in/d', metadata: { rows: 3, who: 'me' } };
const input: ExecutorInput = {
  inputs: {
    parameterValues: { word: 'a"b', n: 5, big: 1e21, flag: true, list: [1, 'x'], fields: { a: 1 } },
    artifacts: { data: { artifacts: [data] }, none: { artifacts: [] } },
  },
  outputs: {
    parameters: { out: { outputFile: '/w/out/out' } },
    artifacts: { model: { artifacts: [{ ...data, name: 'model', uri: '/w/out/model' }] } },
    outputFile: '/w/out/executor.json',
  },
};
const values = { input, constants: new Map([['pipeline_job_name', 'run 1']]) };

describe('in text', () => {
  test.each([
    ["<{{$.inputs.parameters['word']}}>", '<a"b>'],
    ['{{$.inputs.parameters["n"]}}{{$.inputs.parameters[\'flag\']}}', '5true'],
    ["{{$.inputs.parameters['list']}} {{$.inputs.parameters['fields']}}", '[1,"x"] {"a":1}'],
    ["[{{$.inputs.parameters['absent']}}]", '[]'],
    ["{{$.inputs.artifacts['data'].path}} {{$.inputs.artifacts['data'].uri}}", '/w/in/d /w/in/d'],
    ["{{$.inputs.artifacts['data'].name}} {{$.inputs.artifacts['data'].metadata['rows']}}", 'd 3'],
    ["{{$.inputs.artifacts['data'].metadata}}", '{"rows":3,"who":"me"}'],
    ["{{$.inputs.artifacts['data']}}", JSON.stringify([data])],
    ["{{$.inputs.artifacts['none'].path}}", ''],
    ["{{$.outputs.parameters['out'].output_file}} {{$.outputs.artifacts['model'].path}}", '/w/out/out /w/out/model'],
    ['{{$.outputs.output_file}} {{$.outputMetadataUri}}', '/w/out/executor.json /w/out/executor.json'],
    ['{{$.pipeline_job_name}} {{$.unknown}} {{ }}', 'run 1 {{$.unknown}} {{ }}'],
    ['{{$}}', JSON.stringify(input)],
  ])('%s', (text, whole) => {
    expect(resolvedText(text, values)).toBe(whole);
  });

  test.each([
    ["{{$.outputs.parameters['no'].output_file}}", 'refers to an output that the component does not have'],
    ["{{$.inputs.artifacts['data'].metadata['no']}}", 'has no no'],
  ])('%s is an error', (text, message) => {
    expect(() => resolvedText(text, values)).toThrow(message);
  });

  test('placeholders in values are not replaced', () => {
    const sly = { ...input, inputs: { ...input.inputs, parameterValues: { word: '{{$.pipeline_job_name}}' } } };
    expect(resolvedText("{{$.inputs.parameters['word']}}", { ...values, input: sly })).toBe('{{$.pipeline_job_name}}');
  });
});

describe('as elements of a command', () => {
  const concat = '{"Concat": ["<", "{{$.inputs.parameters[\'word\']}}", {"Concat": [">"]}]}';
  const when = (name: string, more = ', "Else": ["--no"]') =>
    `{"IfPresent": {"InputName": "${name}", "Then": ["--${name}", "{{$.inputs.parameters['${name}']}}"]${more}}}`;

  test.each<[string, readonly string[]]>([
    [concat, ['<a"b>']],
    [when('n'), ['--n', '5']],
    [when('absent'), ['--no']],
    [when('absent', ''), []],
    ['{"IfPresent": {"InputName": "data", "Then": "yes"}}', ['yes']],
    ['{"IfPresent": {"InputName": "none", "Then": "yes", "Else": "no"}}', ['no']],
    ['{"some": "json"}', ['{"some": "json"}']],
    ['{"Concat": ["cut', ['{"Concat": ["cut']],
  ])('%s', (element, words) => {
    expect(resolvedElements(element, values)).toEqual(words);
  });
});
