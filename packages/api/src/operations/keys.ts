import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const keyId = z.string().describe('How the key engine names it.');
const fingerprint = z.string().describe('16 hex digits; equal exactly when the key is the same.');

export const listKeysOperation = defineOperation({
  name: 'key.list',
  action: 'key:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists the key-encryption keys, current first, with the number of values that each encrypts.',
  input: z.strictObject({}),
  output: z.strictObject({
    items: z
      .array(
        z.strictObject({
          keyId,
          fingerprint,
          current: z.boolean().describe('New values are sealed under it.'),
          held: z.boolean().describe('False: values need it, and the key engine does not have it.'),
          values: z.int().describe('Values of Secrets, in all projects, and keys of the audit log that need it.'),
        }),
      )
      .describe('One entry for each key that is held or needed.'),
  }),
  target: () => ({ kind: 'Key' }),
  http: { method: 'GET', path: '/api/v1/keys', status: 200 },
});

export const rotateKeysOperation = defineOperation({
  name: 'key.rotate',
  action: 'key:rotate',
  mode: 'write',
  scope: 'org',
  summary:
    'Creates a new key-encryption key, unless keys are managed elsewhere, and starts re-encryption of all projects. `key.list` shows the progress.',
  input: z.strictObject({}),
  output: z.strictObject({
    keyId,
    fingerprint,
    made: z.boolean().describe('False: keys are made elsewhere, and the current one of there is used.'),
  }),
  target: () => ({ kind: 'Key' }),
  http: { method: 'POST', path: '/api/v1/keys/actions/rotate', status: 202 },
});

/** The key-encryption keys belong to the installation: to no kind and no project. */
export const keyOperations: readonly Operation[] = [listKeysOperation, rotateKeysOperation];
