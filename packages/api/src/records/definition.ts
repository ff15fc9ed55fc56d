import { z } from 'zod';

/** Most bytes of one definition. */
export const MOST_DEFINITION_BYTES = 1024 * 1024;

export const definitionSchema = z.strictObject({
  format: z.string().describe('Whose words it is in: `feast`.'),
  type: z.string().describe('What it is among the things of that format: `entity`, `dataSource`.'),
  name: z.string().describe('Unique among those of its type.'),
  body: z.string().describe('What the client sent, byte for byte; base64.'),
  refersTo: z.array(z.string()).describe('What it names, as the format calls it: `entity:driver`.'),
  createdAt: z.string().describe('When it was first there; RFC 3339, UTC.'),
  updatedAt: z.string().describe('When its body last changed; RFC 3339, UTC.'),
});
export type Definition = z.infer<typeof definitionSchema>;
