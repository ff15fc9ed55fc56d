import { conditionSchema, nameSchema, type KindSpec } from '@dais/api';
import { z } from 'zod';
import { kindActions } from '#kernel/entry.ts';
import type { KindDefinition } from '#kernel/kind.ts';

/** A kind for tests of routes: a text, and an action. */
const noteKind = {
  kind: 'Note',
  plural: 'notes',
  scope: 'project',
  description: 'A text to remember.',
  name: nameSchema,
  spec: z.strictObject({ text: z.string(), size: z.int().min(0).max(100).optional() }),
  status: z.strictObject({ observedGeneration: z.int().optional(), conditions: z.array(conditionSchema).optional() }),
  actions: [
    {
      verb: 'stamp',
      description: 'Stamps a note.',
      mode: 'write',
      input: z.strictObject({ mark: z.string(), fail: z.boolean().optional() }),
      output: z.strictObject({ stamped: z.string() }),
    },
  ],
  columns: [],
  example: 'apiVersion: dais.dev/v1\nkind: Note\nmetadata:\n  name: one\nspec:\n  text: a\n',
} as const satisfies KindSpec;

export const note: KindDefinition = {
  spec: noteKind,
  actions: kindActions(noteKind, {
    stamp: async (_tx, call) => {
      if (call.input.fail === true) throw new Error('secret detail of a broken stamp');
      return { stamped: `${call.input.name}: ${call.input.mark}` };
    },
  }),
};
