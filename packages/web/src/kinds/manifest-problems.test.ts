import { kinds } from '@dais/api';
import { secretKind } from '@dais/api/access';
import { alertChannelKind } from '@dais/api/webhooks';
import { expect, test } from 'vitest';
import { manifestProblems } from './manifest-problems.ts';

test.each(kinds.map((kind) => [kind.kind, kind] as const))('the example of %s has no problems', (_name, kind) => {
  expect(manifestProblems(kind.example, kind)).toEqual([]);
});

const wordAt = (text: string, { from, to }: { from: number; to: number }) => text.slice(from, to);

test('a misspelled field is underlined, with the intended name', () => {
  const text = secretKind.example.replace('description:', 'descripton:');
  const [problem, ...others] = manifestProblems(text, secretKind);
  expect(others).toEqual([]);
  expect(problem?.message).toContain('did you mean description?');
  expect(wordAt(text, problem ?? { from: 0, to: 0 })).toBe('descripton');
});

test('keys with dots and items of lists are found', () => {
  const labels = secretKind.example.replace('  name: chat-webhook\n', '  name: x\n  labels:\n    a.b/c: "not ok"\n');
  expect(manifestProblems(labels, secretKind).map((problem) => wordAt(labels, problem))).toEqual(['a.b/c']);
  const list = `apiVersion: dais.dev/v1
kind: AlertChannel
metadata:
  name: mail
spec:
  send:
    type: smtp
    host: mail.example.com
    from: a@example.com
    to: [b@example.com, nobody]
`;
  expect(manifestProblems(list, alertChannelKind).map((problem) => wordAt(list, problem))).toEqual(['nobody']);
});

test('a missing field is reported at its parent', () => {
  const text = 'apiVersion: dais.dev/v1\nkind: Secret\nmetadata: {}\nspec: {}\n';
  expect(manifestProblems(text, secretKind)).toEqual([
    expect.objectContaining({ path: 'metadata.name', message: 'metadata.name: is required; expected text' }),
  ]);
});

test('broken YAML is reported at the position of the error, and nothing else', () => {
  const [problem] = manifestProblems('spec: [1, 2\n', secretKind);
  expect(problem?.path).toBe('');
});

test.each([
  ['', 'Write a manifest of kind Secret here.'],
  [`${secretKind.example}---\n${secretKind.example}`, 'One manifest at a time here; `dais apply` takes many.'],
  [alertChannelKind.example, 'kind: is another kind; expected Secret'],
])('%j is rejected as a manifest of this page', (text, message) => {
  expect(manifestProblems(text, secretKind).map((problem) => problem.message)).toEqual([message]);
});
