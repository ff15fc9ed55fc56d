import { kinds } from '@dais/api';
import { expect, test } from 'vitest';
import { heading, plural, singular } from './kind-words.ts';

test('names of kinds in texts', () => {
  const words = kinds.map((kind) => `${singular(kind)}: ${heading(plural(kind))}`);
  expect(words).toEqual(
    expect.arrayContaining(['secret: Secrets', 'alert channel: Alert channels', 'policy: Policies']),
  );
});

test('the URL segment of a kind is its plural without spaces', () => {
  for (const kind of kinds) expect(plural(kind).replaceAll(' ', '')).toBe(kind.plural);
});
