import { z } from 'zod';

/** Maximum number of bytes of one definition. */
export const MOST_DEFINITION_BYTES = 1024 * 1024;

export const definitionSchema = z.strictObject({
  format: z.string().describe('Format of the definition: `feast`.'),
  type: z.string().describe('Type within the format: `entity`, `dataSource`.'),
  name: z.string().describe('Name, unique per type.'),
  body: z.string().describe('Body as the client sent it; base64.'),
  refersTo: z.array(z.string()).describe('References in the notation of the format: `entity:driver`.'),
  createdAt: z.string().describe('Creation time; RFC 3339, UTC.'),
  updatedAt: z.string().describe('Time of the last change of the body; RFC 3339, UTC.'),
});
export type Definition = z.infer<typeof definitionSchema>;
