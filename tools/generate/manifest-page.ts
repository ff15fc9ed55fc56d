import { API_VERSION, conditionSchema, metadataInputSchema, metadataSchema } from '@dais/api';
import { z } from 'zod';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { page } from './markdown.ts';
import { fieldRows, fieldTable, type JsonSchema } from './schema-fields.ts';

/** What is the same for every kind. */
export function manifestPage(): GeneratedFile {
  const written = z.toJSONSchema(metadataInputSchema, { io: 'input' }) as JsonSchema;
  const kept = z.toJSONSchema(metadataSchema) as JsonSchema;
  const condition = z.toJSONSchema(conditionSchema) as JsonSchema;
  return {
    path: `${REFERENCE}/manifest.md`,
    text: page('Manifests', 'packages/api/src/manifest.ts', [
      `A manifest is YAML 1.2 (core schema) or JSON with four parts: \`apiVersion: ${API_VERSION}\`, \`kind\`, \`metadata\` and \`spec\`. A file can contain several, separated by \`---\`. Text is UTF-8. Anchors, aliases and duplicate keys are rejected.`,
      'Names are printable characters, at most 256, not starting or ending with a space; names of projects are lower-case letters, digits and `-`, at most 63. Keys of labels and annotations are letters, digits and `._/-`, at most 128; values of labels are letters, digits and `._-`, at most 63.',
      '## What a person writes',
      fieldTable(fieldRows(written, 'metadata'), true),
      '## What the platform keeps',
      fieldTable(fieldRows(kept, 'metadata'), false),
      '## Conditions',
      'Each entry of `status.conditions` is one aspect of a resource’s state, with a positive name: `Ready`, never `NotReady`. A condition is about the generation in `observedGeneration`; while that is smaller than `metadata.generation`, the platform has not yet reconciled the last change.',
      fieldTable(fieldRows(condition), false),
    ]),
  };
}
