import { expect, test } from 'vitest';
import { notebookCommand } from '#runs/notebook-step.ts';
import { stepOf } from '#runs/step-options.ts';

test('a notebook runs in a Python that can execute it, and its result is stored', async () => {
  const { command, environment, outputs } = await stepOf(
    ['work/fit.ipynb', 'rate=0.1', 'name=x=y'],
    { network: true },
    '/',
  );
  expect(command.slice(3)).toEqual(['work/fit.ipynb', 'executed/fit.ipynb', '{"rate":"0.1","name":"x=y"}']);
  expect(environment).toEqual({ type: 'python', requirements: ['nbclient', 'nbformat', 'ipykernel'] });
  expect(outputs).toEqual({ notebook: { path: 'executed/fit.ipynb', always: true } });
});

test('an invalid parameter is reported', () => {
  expect(() => notebookCommand(['fit.ipynb', '--rate'])).toThrow('"--rate" is not a notebook parameter');
});
