import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

const names = ['description', 'data', 'labels', 'annotations', 'name', 'resourceVersion', 'AlertChannel', 'to'];

test.each([
  ['descripton', 'description'],
  ['desciption', 'description'],
  ['Description', 'description'],
  ['DATA', 'data'],
  ['dtaa', 'data'],
  ['date', 'data'],
  ['label', 'labels'],
  ['annotation', 'annotations'],
  ['nmae', 'name'],
  ['resource_version', 'resourceVersion'],
  ['alertchannel', 'AlertChannel'],
  ['alert-channel', 'AlertChannel'],
  ['ot', 'to'],
  ['t', 'to'],
  ['x', undefined],
  ['', undefined],
  ['something', undefined],
  ['constructor', undefined],
])('%j is a misspelling of %s', (word, want) => {
  expect(nearest(word, names)).toBe(want);
});

test('a name is nearest to itself, with any other candidates', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { selector: lower }),
      fc.nat(),
      (all, at) => {
        fc.pre(all.length > 0);
        const word = all[at % all.length] ?? '';
        expect(nearest(word, all)).toBe(word);
      },
    ),
  );
});

test('one typo in a word of three letters or more is tolerated', () => {
  const word = fc.stringMatching(/^[a-z]{3,20}$/);
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom(0, 1, 2, 3), (name, at, slip) => {
      const index = at % (name.length - 1);
      const [left, here, next, rest] = [
        name.slice(0, index),
        name.charAt(index),
        name.charAt(index + 1),
        name.slice(index + 2),
      ];
      const slips = [
        left + next + rest,
        left + here + here + next + rest,
        left + next + here + rest,
        `${left}#${next}${rest}`,
      ];
      expect(nearest(slips[slip] ?? '', [name])).toBe(name);
    }),
  );
});

test('the result is always one of the candidates', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (word, candidates) => {
      expect([...candidates, undefined]).toContain(nearest(word, candidates));
    }),
  );
});

test('a very long word is cheap', () => {
  expect(nearest('x'.repeat(1e6), ['x'.repeat(1e6)])).toBeUndefined();
});

function lower(text: string): string {
  return text.toLowerCase();
}
