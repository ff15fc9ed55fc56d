import { expect, test } from 'vitest';
import { readEnvFile, stepOf } from '#runs/step-options.ts';

test('resources, secrets and outputs', async () => {
  const options = {
    cpu: '500m',
    memory: '1.5Gi',
    gpus: 2,
    target: 'gpu',
    pool: 'a100',
    secret: ['TOKEN=hub/token'],
    keep: ['model=out/model', 'out/log.txt'],
    timeout: 90_000,
    retries: 2,
    network: true,
  };
  expect(await stepOf(['a', 'b c'], options, '/')).toEqual({
    command: ['a', 'b c'],
    variables: {},
    resources: { cpu: 0.5, memory: 1_610_612_736, 'nvidia.com/gpu': 2 },
    target: 'gpu',
    pool: 'a100',
    network: true,
    secrets: { TOKEN: { secret: 'hub', key: 'token' } },
    outputs: { model: { path: 'out/model' }, 'log.txt': { path: 'out/log.txt' } },
    timeoutSeconds: 90,
    retry: { count: 2 },
  });
});

test('a Python environment is requested by version, packages or both', async () => {
  const { environment } = await stepOf(['a'], { python: '3.11', network: true }, '/');
  expect(environment).toEqual({ type: 'python', version: '3.11', requirements: [] });
});

test('versions of datasets have explicit names, or those of the datasets', async () => {
  const data = ['flights@3', 'old=flights@2'];
  const { inputs, outputs } = await stepOf(['a'], { data, dataOut: ['b=out/b.csv'], network: true }, '/');
  expect(inputs).toEqual({ flights: { dataset: 'flights@3' }, old: { dataset: 'flights@2' } });
  expect(outputs).toEqual({ b: { path: 'out/b.csv', dataset: 'b' } });
  const twice = stepOf(['a'], { data: ['flights@3', 'flights@2'], network: true }, '/');
  await expect(twice).rejects.toThrow('flights is taken');
  await expect(stepOf(['a'], { data: ['flights@'], network: true }, '/')).rejects.toThrow('for --data: expected');
});

test('a file of variables', () => {
  expect(readEnvFile('# no\nA=1\r\n\nB=x=y z\n')).toEqual({ A: '1', B: 'x=y z' });
  expect(() => readEnvFile('A')).toThrow('Invalid value "A" for --env-file');
});
