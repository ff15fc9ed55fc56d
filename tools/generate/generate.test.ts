import { errorCatalog, kinds } from '@dais/api';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { specRows } from './kind-pages.ts';
import { text } from './markdown.ts';
import { loadKinds } from '../../packages/server/src/compose.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { createOutbound } from '../../packages/server/src/lib/outbound/outbound.ts';
import { openEnvKeys } from '../../packages/server/src/engines/keys/env/env-keys.ts';
import { operations, reference } from './reference.ts';
import { differences } from './reference-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const page = (path: string) => reference().find((file) => file.path === path)?.text ?? '';

test('the committed reference matches the code (npm run generate writes it)', () => {
  expect(differences(root, reference())).toEqual([]);
});

test('the same code generates the same bytes', () => {
  expect(reference()).toEqual(reference());
});

test('every code of the catalog has its paragraph, and every paragraph its code', () => {
  const anchors = [...page('docs/reference/errors.md').matchAll(/^## (\S+) \{#(\S+)\}$/gm)].map((match) => match[2]);
  expect(anchors).toEqual(Object.keys(errorCatalog));
});

test('every code of the catalog is used by the sources', () => {
  const sources = ['packages/api/src', 'packages/server/src', 'packages/cli/src'].flatMap(sourceTexts);
  const used = new Set(sources.flatMap((source) => [...source.matchAll(/'([a-z][a-z0-9_]*)'/g)].map((m) => m[1])));
  const unused = Object.keys(errorCatalog).filter((code) => !used.has(code));
  expect(unused).toEqual([]);
});

test.each(kinds.map((kind) => [kind.kind, kind] as const))('every field of %s is described', (_, kind) => {
  expect(
    specRows(kind)
      .filter((row) => row.description === '')
      .map((row) => row.path),
  ).toEqual([]);
});

test('every kind and operation that the server is composed with is in the reference', async () => {
  const keys = openEnvKeys(`k1:${Buffer.alloc(32, 1).toString('base64')}`);
  const outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: [],
    userAgent: 'test',
    fail: (_code, detail) => new Error(detail),
  });
  const loaded = await loadKinds({ keys, outbound, clock: systemClock });
  const names = operations().map((operation) => operation.name);
  expect(loaded.entries.map((entry) => entry.operation.name).filter((name) => !names.includes(name))).toEqual([]);
  expect(loaded.kinds.map((kind) => kind.spec.kind).filter((kind) => !kinds.some((one) => one.kind === kind))).toEqual(
    [],
  );
});

test('text never becomes HTML or a template', () => {
  expect(text('a <b> & {{ c }} `<d>` *e*')).toBe('a &lt;b&gt; &amp; &#123;&#123; c }} `<d>` \\*e\\*');
});

function sourceTexts(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.includes('.test.'))
    .filter((entry) => entry.name !== 'errors.ts')
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}
