import type { KindSpec } from '@dais/api';
import { roleBindingKind, secretKind } from '@dais/api/access';
import { alertChannelKind } from '@dais/api/webhooks';
import { expect, test } from 'vitest';
import { completeManifest } from './manifest-completion.ts';

/** Returns the labels that are offered at `|`. */
async function offered(kind: KindSpec, text: string) {
  const at = text.indexOf('|');
  const found = await completeManifest(text.replace('|', ''), at, kind, async (word) => [`a-${word}`]);
  return found?.choices.map(({ label }) => label);
}

test('offers the fields of the level of the cursor, without the present ones', async () => {
  expect(await offered(secretKind, 'apiVersion: dais.dev/v1\nkind: Secret\n|')).toEqual(['metadata', 'spec']);
  expect(await offered(secretKind, 'spec:\n  description: x\n  |')).toEqual(['data']);
  expect(await offered(secretKind, 'metadata:\n  |\n  name: x\nspec:\n  data: {}\n')).not.toContain('name');
});

test('offers values of choices, of booleans and of references', async () => {
  expect(await offered(alertChannelKind, 'spec:\n  send:\n    type: |')).toEqual([
    'webhook',
    'slack',
    'smtp',
    'pagerduty',
    'alertmanager',
  ]);
  expect(await offered(alertChannelKind, 'spec:\n  send:\n    signingKey:\n      secret: |')).toEqual(['a-Secret']);
  expect(await offered(roleBindingKind, 'spec:\n  role: v|')).toContain('viewer');
});

test('offers items of lists', async () => {
  expect(await offered(roleBindingKind, 'spec:\n  users:\n    - |')).toEqual(['a-User']);
});

test('offers nothing inside free text', async () => {
  expect(await offered(secretKind, 'spec:\n  description: some text |')).toBeUndefined();
});
