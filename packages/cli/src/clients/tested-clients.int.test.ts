import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { testedClients } from '#clients/tested-clients.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** Returns the pinned versions (`NAME==VERSION`) of the named clients in a file. */
function pins(path: string, names: readonly string[]): Map<string, string> {
  const text = readFileSync(`${root}/${path}`, 'utf8');
  const found = [...text.matchAll(/(?:^|')([a-z0-9-]+)==([0-9.]+)/gm)];
  return new Map(found.flatMap(([, name = '', version = '']) => (names.includes(name) ? [[name, version]] : [])));
}

test('the listed versions are those that the conformance tests run', () => {
  const names = testedClients.map(({ name }) => name);
  const files = [
    ...readdirSync(`${root}/conformance`, { recursive: true, encoding: 'utf8' })
      // What the tests of MLflow's repository import is not run against Dais by the conformance tests.
      .filter((path) => /(^|\/)requirements[^/]*\.txt$/.test(path) && !path.startsWith('mlflow/upstream/'))
      .map((path) => `conformance/${path}`),
    // A release whose wheel is laid over the environment of the one before.
    'packages/server/src/protocols/mlflow/testing/client-scenarios.ts',
  ];
  const run = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  for (const file of files) {
    for (const [name, version] of pins(file, names)) run.get(name)?.add(version);
  }
  for (const { name, versions } of testedClients) {
    expect({ name, versions: [...(run.get(name) ?? [])].toSorted() }).toEqual({
      name,
      versions: [...versions].toSorted(),
    });
  }
});
