import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { unstyledClasses } from '#testing/unstyled-classes.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

test('every class of the pages of the server has a style rule', () => {
  const sources = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  const text = sources.map((name) => readFileSync(`${FOLDER}${name}`, 'utf8')).join('\n');
  const [, style = ''] = /const STYLE = `([^]*?)`;/.exec(text) ?? [];
  expect(style).toContain('.card {');
  const html = text.replaceAll(/<\/?style[^>]*>/g, '');
  expect(html).toContain('class="cards next"');
  expect(unstyledClasses(`<style>${style}</style>${html}`)).toEqual([]);
});
