/** YAML of pipelines, as PyYAML reads it: js-yaml, which the KFP adapter uses, and yaml, which reads manifests. */
import { parseAllDocuments } from 'yaml';
import { readYaml } from '../../packages/server/src/protocols/kfp/ir/yaml-text.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

/** A compiled pipeline: each task with inputs, a cache option and a container. */
function pipeline(tasks: number): string {
  const lines = ['components:'];
  for (let n = 0; n < tasks; n++) {
    lines.push(
      `  comp-step-${n}:`,
      `    executorLabel: exec-step-${n}`,
      '    inputDefinitions:',
      '      parameters:',
      '        rate:',
      '          defaultValue: 1e3',
      '          isOptional: true',
      '          parameterType: NUMBER_DOUBLE',
    );
  }
  lines.push('root:', '  dag:', '    tasks:');
  for (let n = 0; n < tasks; n++) {
    lines.push(
      `      step-${n}:`,
      '        cachingOptions: {enableCache: true}',
      `        componentRef: {name: comp-step-${n}}`,
      `        taskInfo: {name: step-${n}}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export async function compareText(_candidates: Candidates): Promise<void> {
  for (const tasks of [10, 500]) {
    const text = pipeline(tasks);
    await compare(
      `a pipeline of ${tasks} tasks, ${Math.round(text.length / 1000)} kB (js-yaml)`,
      () => readYaml(text, 'The pipeline'),
      () =>
        parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1' }).map((document) => document.toJS() as unknown),
      'yaml',
    );
  }
  // YAML 1.1 as PyYAML implements it: texts that the schema `yaml-1.1` of yaml reads as something else.
  const read = (text: string) => {
    const ours = JSON.stringify(readYaml(text, 'The text')[0]);
    const [document] = parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1' });
    const theirs = document !== undefined && 'toJS' in document ? JSON.stringify(document.toJS()) : 'nothing';
    return { ours, theirs };
  };
  for (const text of [
    '1e3',
    '12e5',
    '1_000',
    '0o17',
    '017',
    '1:30',
    'y',
    'on',
    '2026-01-02',
    '.5',
    '1.',
    '+1',
    '=',
    '<<',
  ]) {
    const { ours, theirs } = read(`value: ${text}\n`);
    if (ours !== theirs) console.log(`  value: ${text} is ${ours} as PyYAML reads it, and ${theirs} with yaml`);
  }
}
