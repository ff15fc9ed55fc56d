import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

const secretKey = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, { message: 'letters, digits and `._-`, at most 128' });

export const secretSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  data: z
    .record(secretKey, z.string().max(1_048_576))
    .optional()
    .describe(
      'Values by key. Write-only: they are encrypted on arrival and never returned. Values are kept only if `data` is omitted as a whole.',
    ),
});

export const secretStatus = z.strictObject({
  ...baseStatus,
  keys: z.array(z.string()).optional().describe('Keys with a value.'),
  sealedWith: z
    .string()
    .optional()
    .describe('Fingerprint of the key-encryption key of the values; several during re-encryption.'),
});

export const secretKind = {
  kind: 'Secret',
  plural: 'secrets',
  scope: 'project',
  description: 'Write-only values: passwords, tokens, keys. They are stored with envelope encryption (AES-256-GCM).',
  name: nameSchema,
  spec: secretSpec,
  status: secretStatus,
  writeOnly: ['data'],
  actions: [
    {
      verb: 'rotate',
      description: 'Re-encrypts the values with the current key-encryption key.',
      mode: 'write',
      input: z.strictObject({}),
      output: z.strictObject({
        sealedWith: z.string().describe('Fingerprint of the current key-encryption key.'),
        rewrapped: z.int().describe('Number of re-encrypted values.'),
      }),
    },
  ],
  columns: [
    { title: 'Keys', path: 'status.keys' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Secret
metadata:
  name: chat-webhook
spec:
  description: Webhook URL of the chat room for alerts
  data:
    url: https://chat.example.com/hooks/T0/B0/x
`,
} as const satisfies KindSpec;
