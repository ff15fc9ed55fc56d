import { expect, test } from 'vitest';
import { diffTexts } from './diff-lines.ts';

test('equal texts have no differences, with or without a final line break', () => {
  expect(diffTexts('a\nb', 'a\nb\n')).toEqual([]);
});

test('a change keeps three lines around it and counts the rest', () => {
  const before = Array.from({ length: 20 }, (_, at) => `line ${at}`);
  const after = before.with(10, 'changed');
  const diff = diffTexts(before.join('\n'), after.join('\n'));
  expect(diff[0]).toEqual({ type: 'skipped', count: 7 });
  expect(diff.at(-1)).toEqual({ type: 'skipped', count: 6 });
  expect(diff.filter((line) => line.type === 'removed' || line.type === 'added')).toEqual([
    { type: 'removed', text: 'line 10', before: 11 },
    { type: 'added', text: 'changed', after: 11 },
  ]);
  expect(diff).toHaveLength(10);
});

test('compared with an empty text, all lines are added', () => {
  expect(diffTexts('', 'a\n')).toEqual([{ type: 'added', text: 'a', after: 1 }]);
});
