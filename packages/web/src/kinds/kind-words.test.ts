import { kinds } from '@dais/api';
import { expect, test } from 'vitest';
import { heading, plural, singular } from './kind-words.ts';

test('kinds in words', () => {
  const words = kinds.map((kind) => `${singular(kind)}: ${heading(plural(kind))}`);
  expect(words).toEqual(
    expect.arrayContaining(['secret: Secrets', 'alert channel: Alert channels', 'policy: Policies']),
  );
});

test('the words of a kind are its plural without spaces', () => {
  for (const kind of kinds) expect(plural(kind).replaceAll(' ', '')).toBe(kind.plural);
});
