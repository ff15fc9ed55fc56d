import { expect, test } from 'vitest';
import { ruledEnvironment } from './image-rules.ts';

const environment = { type: 'system' } as const;

test.each([
  ['example.com/train:7', 'example.com/train:7', true],
  ['example.com/train:7', 'example.com/train:*', true],
  ['example.com/train', 'example.com/train:*', false],
  ['example.com/a/b/train:7', 'example.com/*/train:*', true],
  ['example.com/a/b/serve:7', 'example.com/*/train:*', false],
  ['anything', '*', true],
  ['abab', 'ab*ab', true],
  ['aba', 'ab*ba', false],
  ['a.b', 'a?b', false],
  ['axxb', 'a*x*x*b', true],
  ['axb', 'a*x*x*b', false],
])('%s matches %s: %s', (image, pattern, fits) => {
  expect(ruledEnvironment(image, [{ image: pattern, environment }])).toEqual(fits ? environment : undefined);
});

test('the first matching rule applies', () => {
  const python = { type: 'python', requirements: [] } as const;
  const rules = [
    { image: 'a:1', environment: python },
    { image: 'a:*', environment },
  ];
  expect(ruledEnvironment('a:1', rules)).toBe(python);
  expect(ruledEnvironment('a:2', rules)).toBe(environment);
});
