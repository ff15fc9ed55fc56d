import { eventSchema, eventTypes, type EventType } from '@dais/api';
import { z } from 'zod';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { page, text } from './markdown.ts';
import { fieldRows, fieldTable, type JsonSchema } from './schema-fields.ts';

export function eventPage(): GeneratedFile {
  const types: readonly EventType[] = Object.values(eventTypes);
  return {
    path: `${REFERENCE}/events.md`,
    text: page('Events', 'packages/api/src/events/event-types.ts', [
      'Every change records an event in the same transaction. Events are read in commit order with `dais events`, `GET /api/v1/events` or its stream (`watch=true`). Types are only ever added; `data` of a version only gains optional fields, and any other change is a new version in addition to the old one.',
      '## Every event',
      fieldTable(fieldRows(z.toJSONSchema(eventSchema) as JsonSchema), false),
      ...types.flatMap((type) => [
        `## ${type.type}`,
        `Version ${type.v}. ${text(type.description)}`,
        fieldTable(
          fieldRows({ properties: { data: z.toJSONSchema(type.data) as JsonSchema } }).filter(
            (row) => row.path !== 'data',
          ),
          false,
        ),
      ]),
    ]),
  };
}
