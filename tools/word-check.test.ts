import { expect, test } from 'vitest';
import {
  checkWords,
  findReplacedNames,
  findReplacedTypes,
  findReplacedWords,
  globPattern,
  proseOfMarkdown,
  proseOfSource,
  proseOfYaml,
} from './word-check.mjs';
import check from './word-check.json' with { type: 'json' };

const { spelling, phrases, titles } = check.rules;
const found = (content: string, file = 'page.md') =>
  findReplacedWords(file, content, [spelling, phrases, titles]).map(({ line, text }) => `${line}: ${text}`);

test('replaced words are found with their lines, in any case and across a line break', () => {
  expect(found('The organisation.\n\nWhat failed is\ntold by the server. Colours.')).toEqual([
    '1: organisation',
    '3: is told',
    '4: Colours',
  ]);
});

test.each([
  'The organization understands standard colors and cancellation.',
  'A default, fault injection and fault tolerance.',
  'Standing orders, multi-license files, indoors.',
  'Households exercise; precise premises, a promise and a surprise.',
])('standard words pass: %s', (text) => {
  expect(found(text)).toEqual([]);
});

test('titles are not questions', () => {
  expect(found('# What needs you?\n\n## Endpoints')).toEqual(['1: needs you', '1: # What needs you?']);
});

test('code, links, comments and attributes of a page are not prose', () => {
  const page = [
    '`licence` and ``a ` licence`` in [text](./organisation "x")',
    '```yaml\nlicence: x\n```',
    '<!-- organisation --> <img src="/licence.png" alt="A licence">',
    'https://example.com/organisation',
  ].join('\n\n');
  expect(proseOfMarkdown(page)).toHaveLength(page.length);
  expect(found(page)).toEqual(['7: licence']);
});

test('texts in source code are prose; names, imports and code are not', () => {
  const source = [
    "import { labelled } from './labelled file.ts';",
    "const organisation = { 'licence': `The ${labelled} licence of all.` };",
    "throw new Error('It was cancelled.');",
  ].join('\n');
  expect(proseOfSource('a.ts', source)).toHaveLength(source.length);
  expect(found(source, 'a.ts')).toEqual(['2: licence', '3: cancelled']);
  expect(found('const a = <p title="The colour">Some grey text</p>;', 'a.tsx')).toEqual(['1: colour', '1: grey']);
});

test('statements and code spans are not prose', () => {
  const source =
    'run(`begin; select ${what} begin`); fail("Call `cancelled` of it."); fail(`See \\`a licence\\` here`);';
  expect(found(source, 'a.ts')).toEqual([]);
});

test('parts of names are found once, in any case', () => {
  const source = [
    "import { findSpared } from './spared.ts';",
    'const wasCancelled = false, SPARED_STEPS = 2, spared_step = 1, cancelledBy = wasCancelled;',
    "const comparedWith = 'spared verdict', sparedness = findSpared(); // verdict",
  ].join('\n');
  const names = findReplacedNames('a.ts', source, [check.rules.names]).map(({ line, text }) => `${line}: ${text}`);
  expect(names).toEqual(['1: findSpared', '2: wasCancelled', '2: SPARED_STEPS', '2: spared_step', '2: cancelledBy']);
});

test('declared types are found by their whole name; functions, values and uses are not', () => {
  const source = [
    'export interface StoreParts { readonly told: boolean }',
    'type Parts = Pick<OtherParts, "a">; class RunParts {}',
    'type PartsProps = object; function copyParts(parts: Intl.Parts) { const Parts = parts; return class {}; }',
  ].join('\n');
  const types = findReplacedTypes('a.ts', source, [check.rules.types]).map(({ line, text }) => `${line}: ${text}`);
  expect(types).toEqual(['1: StoreParts', '2: Parts', '2: RunParts']);
  expect(findReplacedNames('a.ts', source, [check.rules.names]).map(({ text }) => text)).toEqual(['told']);
});

test('comments and descriptions of YAML are prose', () => {
  const yaml = 'licence: MIT # the licence\nspec: { description: An organisation }\nkind: Organisation';
  expect(proseOfYaml(yaml)).toHaveLength(yaml.length);
  expect(found(yaml, 'a.yaml')).toEqual(['1: licence', '2: organisation']);
});

test('globs', () => {
  expect(globPattern('docs/**/*.md').test('docs/a.md')).toBe(true);
  expect(globPattern('docs/**/*.md').test('docs/guide/a.md')).toBe(true);
  expect(globPattern('docs/*.md').test('docs/guide/a.md')).toBe(false);
  expect(globPattern('README.md').test('READMEomd')).toBe(false);
});

test('covered files are checked, exclusions and exceptions are not, and what matches nothing is reported', () => {
  const result = checkWords(['a.md', 'b.md', 'c.test.md', 'd.txt'], () => 'The licence.\n', {
    coverage: [{ files: ['*.md', '!*.test.md', 'none/*.md'], rules: ['spelling'] }],
    allowed: [
      { file: 'b.md', text: 'licence' },
      { file: 'b.md', text: 'colour' },
    ],
    rules: check.rules,
    names: { files: ['*.txt'], rules: ['names'] },
    types: { files: ['*.txt'], rules: ['types'] },
  });
  expect(result.findings.map(({ file, line }) => [file, line])).toEqual([['a.md', 1]]);
  expect(result.files).toBe(4);
  expect(result.unused).toEqual(['none/*.md', 'b.md: colour']);
});
