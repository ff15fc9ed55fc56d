import { expect, test } from 'vitest';
import { namesOf } from './names.ts';

test('both notations of a name have the same forms', () => {
  const forms = {
    pascal: 'FeatureView',
    camel: 'featureView',
    kebab: 'feature-view',
    plural: 'featureviews',
    words: 'feature view',
  };
  expect(namesOf('FeatureView')).toEqual(forms);
  expect(namesOf('feature-view')).toEqual(forms);
});

test.each([
  ['Policy', 'policies'],
  ['Study', 'studies'],
  ['KnowledgeBase', 'knowledgebases'],
  ['Index', 'indexes'],
  ['Gateway', 'gateways'],
])('the plural of %s is %s', (name, plural) => {
  expect(namesOf(name).plural).toBe(plural);
});

test.each(['', '1st', 'a_b', 'a--b', '../x', 'Ä'])('%j is no name', (name) => {
  expect(() => namesOf(name)).toThrow('a name is like');
});
