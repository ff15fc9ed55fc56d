import { configSchema, findKind, manifestSchema } from '@dais/api';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readDocuments } from '../packages/server/src/kernel/manifest-text.ts';

const docs = fileURLToPath(new URL('../docs', import.meta.url));

/** Objects of the cluster, for `kubectl`: kubernetes-kueue.full.test.ts applies those of its guide. */
const FOREIGN = /^kueue\.x-k8s\.io\//;

/** All complete manifests of the pages; invalid examples are in files named `wrong…`. */
const examples = ['guide', 'tutorial', 'reference', 'reference/kinds'].flatMap((folder) =>
  readdirSync(join(docs, folder))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => {
      const page = readFileSync(join(docs, folder, name), 'utf8');
      const fences = [...page.matchAll(/^```yaml([^\n]*)\n([\s\S]*?)^```$/gm)];
      return fences
        .filter(([, info = '', text = '']) => text.includes('apiVersion:') && !info.includes('file=wrong'))
        .map(([, , text = '']) => [`${folder}/${name}`, text] as const);
    }),
);

test('the pages show manifests', () => {
  expect(examples.length).toBeGreaterThan(8);
});

test.each(examples)('a manifest in docs/%s is valid', (page, text) => {
  for (const document of readDocuments(page, text)) {
    const { apiVersion, kind } = document.value as { readonly apiVersion: string; readonly kind: string };
    if (FOREIGN.test(apiVersion)) continue;
    const known = findKind(kind);
    const schema = known === undefined ? configSchema : manifestSchema(known);
    expect(schema.safeParse(document.value).error?.issues ?? []).toEqual([]);
  }
});
