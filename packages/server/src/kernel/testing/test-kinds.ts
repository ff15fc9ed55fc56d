/** Kinds for tests of the kernel: every feature of a kind once. */
import { conditionSchema, labelNameSchema, nameSchema, reference, type KindSpec } from '@dais/api';
import { z } from 'zod';
import { kindActions } from '#kernel/entry.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { machineController, type MachineBackend } from './machine-controller.ts';

const status = {
  observedGeneration: z.int().optional().describe('See conditions.'),
  conditions: z.array(conditionSchema).optional().describe('The current state.'),
};

/** A kind of the organization; Parts reference it. */
export const fleetKind = {
  kind: 'Fleet',
  plural: 'fleets',
  scope: 'org',
  description: 'A test resource of the organization.',
  name: labelNameSchema,
  spec: z.strictObject({ region: z.string().max(64).optional() }),
  status: z.strictObject(status),
  actions: [],
  columns: [],
  example: 'apiVersion: dais.dev/v1\nkind: Fleet\nmetadata: {name: a}\nspec: {}\n',
} as const satisfies KindSpec;

/** Refers to its like and to Fleets; has a field that stays, one that is not given back, and a rule across fields. */
export const partKind = {
  kind: 'Part',
  plural: 'parts',
  scope: 'project',
  description: 'A test resource that references others.',
  name: nameSchema,
  spec: z.strictObject({
    note: z.string().max(1000).optional(),
    size: z.int().min(0).max(1_000_000).default(1),
    ratio: z.number().min(-1e300).max(1e300).optional(),
    home: z.string().max(64).optional(),
    code: z.string().max(256).optional(),
    uses: z.array(reference('Part')).max(100).optional(),
    fleet: reference('Fleet').optional(),
    extra: z.record(z.string().max(64), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    shape: z
      .discriminatedUnion('form', [
        z.strictObject({ form: z.literal('round'), radius: z.number().positive() }),
        z.strictObject({
          form: z.literal('square'),
          sides: z.array(z.int().min(1)).length(2),
          like: reference('Part').optional(),
        }),
      ])
      .optional(),
    least: z.int().optional(),
    most: z.int().optional(),
  }),
  status: z.strictObject({ ...status, sealed: z.boolean().optional() }),
  check: (spec: { least?: number; most?: number }) =>
    spec.least !== undefined && spec.most !== undefined && spec.least > spec.most
      ? [{ path: 'spec.most', message: 'is less than spec.least' }]
      : [],
  writeOnly: ['code'],
  immutable: ['home'],
  actions: [
    {
      verb: 'ping',
      description: 'Returns the note.',
      mode: 'read',
      input: z.strictObject({ twice: z.boolean().default(false) }),
      output: z.strictObject({ note: z.string() }),
    },
  ],
  columns: [],
  example: 'apiVersion: dais.dev/v1\nkind: Part\nmetadata: {name: a}\nspec: {size: 2}\n',
} as const satisfies KindSpec;

/** Has a controller that builds `spec.cells` cells one after the other, and removes them at the deletion. */
export const machineKind = {
  kind: 'Machine',
  plural: 'machines',
  scope: 'project',
  description: 'A test resource with a controller.',
  name: nameSchema,
  spec: z.strictObject({
    cells: z.int().min(0).max(1000).default(0),
    /** Builds nothing until a Part of this name exists; the reference need not hold. */
    after: z.string().max(256).optional(),
    part: reference('Part').optional(),
    /** The result of the controller: failed attempts, or a permanent error. */
    broken: z.enum(['retry', 'terminal']).optional(),
  }),
  status: z.strictObject({ ...status, cells: z.int().optional() }),
  actions: [],
  columns: [],
  example: 'apiVersion: dais.dev/v1\nkind: Machine\nmetadata: {name: a}\nspec: {cells: 1}\n',
} as const satisfies KindSpec;

export const fleet: KindDefinition = { spec: fleetKind };

export const part: KindDefinition = {
  spec: partKind,
  admit: async (_tx, { spec, before, rollback }) => {
    if (spec === undefined) return {};
    const { code, ...kept } = spec;
    const given = code !== undefined && !rollback;
    return {
      spec: kept,
      ...(given && { status: { sealed: true }, ...(before !== undefined && { changedPaths: ['spec.code'] }) }),
    };
  },
  actions: kindActions(partKind, {
    ping: async (tx, call) => {
      const [row] = await tx.sql.query<{ note: string }>(
        `select coalesce(spec ->> 'note', '') as note from kernel.resource where project_id = $1 and kind = 'Part' and name = $2`,
        [call.tenant.id, call.input.name],
      );
      return { note: (row?.note ?? '').repeat(call.input.twice ? 2 : 1) };
    },
  }),
};

export function machine(machinery: MachineBackend): KindDefinition {
  return { spec: machineKind, controller: machineController(machinery) };
}
