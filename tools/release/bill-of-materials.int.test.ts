import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../command.mjs';
import { billOfMaterials } from './bill-of-materials.mjs';

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { name?: string; version?: string }>;
};
const workspaces = ['packages/api', 'packages/server', 'packages/cli', 'packages/web'];
const bill = () => billOfMaterials(packages, workspaces, new Date(0));

test('it lists what the server, the command and the console need, also what the repository uses as a tool, and no other tools', () => {
  const names = bill().components.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['@dais/server', '@dais/cli', '@dais/api', 'fastify', 'react', 'zod', 'pg']),
  );
  expect(names.filter((name) => /vitest|oxlint|typescript/.test(name))).toEqual([]);
});

test('each component is listed once, has a license, and refers to listed components only', () => {
  const { components, dependencies, metadata } = bill();
  const refs = [metadata.component, ...components].map((one) => one['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  expect(components.filter((one) => one.licenses === undefined)).toEqual([]);
  expect(dependencies.map(({ ref }) => ref).sort()).toEqual(refs.sort());
  expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref))).toEqual([]);
});

test('a component has its package URL and the checksum of its archive', () => {
  const found = bill().components.find(({ name }) => name === '@fastify/compress');
  const version = packages['node_modules/@fastify/compress']?.version ?? '';
  expect(found).toMatchObject({
    purl: `pkg:npm/%40fastify/compress@${version}`,
    hashes: [{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as string }],
  });
});

test('equal locks give equal documents, with one serial number', () => {
  expect(bill()).toEqual(bill());
  expect(bill().serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
