import { expect, test } from 'vitest';
import { parametersOf, programOf } from './tracked-runs.ts';

test.each([
  [['python', 'train.py', '--epochs', '3'], 'train.py'],
  [['/usr/bin/python3.11', '-m', 'trainer.main'], 'trainer.main'],
  [['python', '-B', '-W', 'ignore', 'train.py', 'x'], 'train.py'],
  [['python', '-c', 'print(1)'], 'python'],
  [['sh', '-c', 'echo a'], 'sh'],
  [['bash'], 'bash'],
  [['./go.sh', 'x'], './go.sh'],
  [['Rscript', 'fit.R'], 'fit.R'],
] as const)('%j runs %s', (command, program) => {
  expect(programOf(command as unknown as [string, ...string[]])).toBe(program);
});

test('parameters are converted to text, and artifacts are omitted', () => {
  const artifact = { run: 'r', prefix: 'p', folder: false, files: 1, bytes: 1, digest: 'd' };
  expect(
    parametersOf({ rate: { parameter: 0.1 }, word: { parameter: 'a' }, list: { parameter: [1] }, data: { artifact } }),
  ).toEqual({ rate: '0.1', word: 'a', list: '[1]' });
});
