import { expect, test } from 'vitest';
import { budgetProblems, budgetLine } from './console-budget.mjs';

const HOME = 'src/pages/home/home-page.tsx';
const manifest = {
  'index.html': { file: 'index.js', css: ['index.css'], imports: ['_shared.js'], dynamicImports: [HOME] },
  '_shared.js': { file: 'shared.js' },
  [HOME]: { file: 'home.js', imports: ['index.html'], isDynamicEntry: true },
  'src/ui/editor.tsx': { file: 'editor.js', imports: ['_shared.js', '_lib.js'], isDynamicEntry: true },
  '_lib.js': { file: 'lib.js' },
};
const KB = 1024;
const sizes = (over: Readonly<Record<string, number>>) => (file: string) => over[file] ?? 10 * KB;

test('chunks within the limits have no message', () => {
  expect(budgetProblems(manifest, sizes({}))).toEqual([]);
  expect(budgetLine(manifest, sizes({}))).toBe('first view 40.0 KB of 300.0 KB');
});

test('the first view counts the frame, its styles, what both import, and the home page', () => {
  const [problem, ...others] = budgetProblems(manifest, sizes({ 'home.js': 290 * KB }));
  expect(others.map((line) => line.split('\n')[0])).toEqual([]);
  expect(problem).toContain('the first view: 320.0 KB, at most 300.0 KB\n');
  expect(problem).toContain('290.0 KB home.js');
});

test('a later part counts what it loads in addition to the first view', () => {
  expect(budgetProblems(manifest, sizes({ 'lib.js': 150 * KB }))).toEqual([
    expect.stringMatching(/^src\/ui\/editor\.tsx: 160\.0 KB, at most 150\.0 KB\n/),
  ]);
});

test('a build in which the measured files are no more is a fault of this test, not a pass', () => {
  expect(() => budgetProblems({ 'index.html': { file: 'index.js' } }, sizes({}))).toThrow(HOME);
});
