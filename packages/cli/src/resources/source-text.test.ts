import { expect, test } from 'vitest';
import { sourceText } from '#resources/source-text.ts';

test('the source of a revision in one line', () => {
  const commit = '1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d';
  expect(
    sourceText({ remote: 'https://git.example.com/team/repo.git', commit, path: 'deploy/chat.yaml', dirty: true }),
  ).toBe('git.example.com/team/repo@1a2b3c4d deploy/chat.yaml (with uncommitted changes)');
  expect(sourceText({ remote: 'ssh://git@git.example.com/r', commit, path: 'a' })).toBe('git.example.com/r@1a2b3c4d a');
  expect(sourceText({ path: 'a', dirty: false })).toBe('a');
  expect(sourceText(undefined)).toBe('');
});
