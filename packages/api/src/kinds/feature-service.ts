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
    .describe('Selected features. Default: all.'),
  as: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,199}$/, { message: 'letters, digits, `_` and `-`, at most 200' })
    .optional()
    .describe('Alias of the view, to use it more than once: `origin`, `destination`.'),
  keys: z
    .record(z.string().min(1).max(256), z.string().min(1).max(256))
    .optional()
    .describe('Mapping of join keys to column names of the entity rows.'),
});

export const featureServiceSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  owner: reference('Team').optional().describe('Owner team.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Free-form metadata.'),
  features: z.array(part).min(1).max(200).describe('Feature views of the service.'),
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
  description: 'The set of features of one model, for building training data and for online reads.',
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
