import { expect, test } from 'vitest';
import { checkClientVersions } from '#doctor/client-versions.ts';

const clients = [
  { name: 'mlflow', also: ['mlflow-skinny'], versions: ['2.22.5', '3.4.0', '3.18.0'] },
  { name: 'kfp', versions: [] },
];
const install = "/venv/bin/python -m pip install --upgrade 'mlflow<3.19'";
const check = (installed: Record<string, string>) => checkClientVersions(clients, installed, '/venv/bin/python');

test.each([
  ['3.4.2', 'ok', undefined],
  ['3.10.1', 'ok', undefined],
  ['2.9.0', 'warning', install],
  ['3.18.4', 'ok', undefined],
  ['3.19.0rc1', 'warning', `Most features will work. Otherwise: ${install}, or upgrade Dais.`],
  ['4.0.0', 'warning', `Most features will work. Otherwise: ${install}, or upgrade Dais.`],
])('mlflow %s: %s', (version, state, remedy) => {
  expect(check({ mlflow: version })).toEqual([
    { name: 'mlflow', state, detail: expect.stringContaining(version) as string, ...(remedy && { remedy }) },
  ]);
});

test('a client with another package name, and one that Dais does not support', () => {
  expect(check({ 'mlflow-skinny': '3.4.0', kfp: '2.1' }).map(({ name, state }) => [name, state])).toEqual([
    ['mlflow-skinny', 'ok'],
    ['kfp', 'skipped'],
  ]);
});

test('no client at all is a problem', () => {
  expect(check({})).toMatchObject([{ state: 'problem', remedy: expect.stringContaining(install) as string }]);
});
