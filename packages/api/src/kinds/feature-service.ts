import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

const part = z.strictObject({
  view: reference('FeatureView').describe('Name of the FeatureView.'),
  features: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(5000)
    .optional()
    .describe('Which of its features. Default: all of them.'),
  as: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,199}$/, { message: 'letters, digits, `_` and `-`, at most 200' })
    .optional()
    .describe('What the view is called here, so that it can be used twice: `origin`, `destination`.'),
  keys: z
    .record(z.string().min(1).max(256), z.string().min(1).max(256))
    .optional()
    .describe('Where a join key has another name in the rows that are asked about: that name.'),
});

export const featureServiceSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it is for, in a sentence or two.'),
  owner: reference('Team').optional().describe('The Team that answers for it.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Whatever else is known of it.'),
  features: z.array(part).min(1).max(200).describe('What it is made of.'),
});

function checkService({ features }: z.output<typeof featureServiceSpec>): Issue[] {
  const seen = new Set<string>();
  return features.flatMap(({ view, as = view }, at) => {
    const twice = seen.has(as);
    seen.add(as);
    const message = `is called "${as}", as one before it`;
    return twice ? [{ path: `spec.features[${at}]`, message, expected: 'another name in `as`' }] : [];
  });
}

export const featureServiceKind = {
  kind: 'FeatureService',
  plural: 'featureservices',
  shortNames: ['fs'],
  scope: 'project',
  description: 'The features that one model takes: what training data are built with, and what is read online.',
  name: nameSchema,
  spec: featureServiceSpec,
  status: z.strictObject({ ...baseStatus }),
  check: checkService,
  actions: [],
  columns: [
    { title: 'Views', path: 'spec.features' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: FeatureService
metadata:
  name: flight-delay-v1
spec:
  description: What the model of delays takes
  features:
    - view: airport-delays
      features: [delay_minutes, taxi_minutes]
`,
} as const satisfies KindSpec;
