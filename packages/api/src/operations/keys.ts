import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const keyId = z.string().describe('Name in the key engine.');
const fingerprint = z.string().describe('Fingerprint of the key: 16 hex digits.');

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
          current: z.boolean().describe('Whether new values are encrypted with it.'),
          held: z.boolean().describe('Whether the key engine has the key. False: values need a missing key.'),
          values: z
            .int()
            .describe('Number of Secret values and audit log keys that are encrypted with it, in all projects.'),
        }),
      )
      .describe('Keys that exist or are needed.'),
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
    made: z
      .boolean()
      .describe('Whether a new key was created. False: keys are managed elsewhere, and their current key is used.'),
  }),
  target: () => ({ kind: 'Key' }),
  http: { method: 'POST', path: '/api/v1/keys/actions/rotate', status: 202 },
});

/** The key-encryption keys belong to the installation: to no kind and no project. */
export const keyOperations: readonly Operation[] = [listKeysOperation, rotateKeysOperation];
