import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** All pages except the reference, which is generated. */
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['decisions', 'guide', 'internals', 'tutorial'].flatMap((folder) =>
    readdirSync(join(root, 'docs', folder)).map((name) => `docs/${folder}/${name}`),
  ),
];

test.each(documents)('%s names only files that are there', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  const named = [...text.matchAll(/`((?:packages|tools|docs|examples|conformance|deploy)\/[\w./@-]+)`/g)].map(
    (m) => m[1] ?? '',
  );
  // What the site cannot resolve itself: links of the documents at the root.
  const links = document.includes('/')
    ? []
    : [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((m) => join(dirname(document), m[1] ?? ''));
  const missing = [...named, ...links].filter((path) => !existsSync(join(root, path)) && !isBuilt(path));
  expect(missing).toEqual([]);
});

/** Created by a build, or by a reader who follows the page. */
function isBuilt(path: string): boolean {
  return path.startsWith('docs/.vitepress/dist') || /^packages\/\w+\/dist/.test(path);
}
