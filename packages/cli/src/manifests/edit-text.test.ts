import { DaisError, type Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { editableText, withConflict, withError, withoutRemarks } from '#manifests/edit-text.ts';

const resource: Resource = {
  apiVersion: 'dais.dev/v1',
  kind: 'Secret',
  metadata: {
    uid: 'u',
    name: 'chat',
    project: 'default',
    labels: { team: 'vision' },
    annotations: {},
    origin: 'manifest',
    generation: 3,
    resourceVersion: '12',
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
  },
  spec: { description: 'Chat room' },
  status: { keys: ['url'] },
};

test('an editor gets only the fields that can be changed', async () => {
  await expect(await editableText(resource, ['data'])).toMatchFileSnapshot('__golden__/edit.txt');
});

test('inserts problems above their lines and removes them', async () => {
  const text = await editableText(resource, []);
  const line = text.split('\n').findIndex((one) => one.includes('description')) + 1;
  const error = new DaisError('invalid_manifest', '', {
    issues: [
      { line, column: 3, path: 'spec.description', message: 'is a list', expected: 'text' },
      { path: 'metadata', message: 'is too large' },
    ],
  });
  const shown = withError(text, error);
  await expect(shown).toMatchFileSnapshot('__golden__/edit-refused.txt');
  expect(withoutRemarks(shown)).toBe(text);
});

test("a concurrent change is shown above the user's text", async () => {
  const text = await editableText(resource, []);
  const now = {
    ...resource,
    metadata: { ...resource.metadata, generation: 4, labels: {} },
    spec: { description: 'Room', owners: ['a'] },
  };
  const shown = withConflict(text, resource, now);
  await expect(shown).toMatchFileSnapshot('__golden__/edit-conflict.txt');
  expect(withoutRemarks(shown)).toBe(text);
});
