import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

const secretKey = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, { message: 'letters, digits and `._-`, at most 128' });

export const secretSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('What the secret is for.'),
  data: z
    .record(secretKey, z.string().max(1_048_576))
    .optional()
    .describe(
      'Values by key. Write-only: they are sealed on arrival and never given back. A key left out keeps its value only when `data` itself is left out.',
    ),
});

export const secretStatus = z.strictObject({
  ...baseStatus,
  keys: z.array(z.string()).optional().describe('The keys that hold a value.'),
  sealedWith: z
    .string()
    .optional()
    .describe('Fingerprint of the key-encryption key that the values need; several while they are being wrapped anew.'),
});

export const secretKind = {
  kind: 'Secret',
  plural: 'secrets',
  scope: 'project',
  description:
    'Values that must not be read back: passwords, tokens, keys. They are sealed with envelope encryption (AES-256-GCM) before they reach the database.',
  name: nameSchema,
  spec: secretSpec,
  status: secretStatus,
  writeOnly: ['data'],
  actions: [
    {
      verb: 'rotate',
      description: 'Seals the values again under the current key-encryption key.',
      mode: 'write',
      input: z.strictObject({}),
      output: z.strictObject({
        sealedWith: z.string().describe('Fingerprint of the key-encryption key that seals the values now.'),
        rewrapped: z.int().describe('How many values had another key before.'),
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
  description: Address of the chat room for alerts
  data:
    url: https://chat.example.com/hooks/T0/B0/x
`,
} as const satisfies KindSpec;
