import { z } from 'zod';
import {
  API_VERSION,
  metadataInputSchema,
  metadataSchema,
  actorSchema,
  sourceSchema,
  type KindAction,
  type KindSpec,
  type Manifest,
} from '#manifest.ts';
import { defineOperation, type DesiredState, type Operation, type OperationTarget } from '#operations/operation.ts';

/** The input form of a resource of this kind. */
export function manifestSchema(kind: KindSpec): z.ZodObject {
  return z
    .strictObject({
      apiVersion: z.literal(API_VERSION),
      kind: z.literal(kind.kind),
      metadata: metadataInputSchema.extend({ name: kind.name.describe('Name, unique per kind.') }),
      spec: kind.spec,
    })
    .describe(kind.description);
}

/** The output form of a resource of this kind. */
export function resourceSchema(kind: KindSpec) {
  return z.strictObject({
    apiVersion: z.string(),
    kind: z.literal(kind.kind),
    metadata: metadataSchema,
    spec: kind.spec,
    status: kind.status,
  });
}

export const selectorSchema = z
  .string()
  .max(1024)
  .describe('Labels that must match: `team=vision,stage!=dev,owner` (present), `!owner` (absent).');

export const pageInput = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};

export const revisionSchema = z.strictObject({
  generation: z.int().describe('Number of the revision, from 1.'),
  at: z.string().describe('Creation time; RFC 3339, UTC.'),
  actor: actorSchema.describe('Creator.'),
  operation: z.string().describe('Cause: `create`, `update`, `apply`, `rollback`.'),
  apiVersion: z.string().describe('API version of the manifest.'),
  labels: z.record(z.string(), z.string()).describe('Labels and annotations of the revision.'),
  annotations: z.record(z.string(), z.string()).describe('Labels and annotations of the revision.'),
  spec: z.record(z.string(), z.unknown()).describe('Spec of the revision, without write-only values.'),
  source: sourceSchema.optional().describe('Where it was applied from.'),
});
export type Revision = z.infer<typeof revisionSchema>;

const revisionPage = z.strictObject({ items: z.array(revisionSchema), nextCursor: z.string().optional() });

/** One frame of a watch. `bookmark` has no object, only a newer position to resume from. */
export function watchEventSchema(kind: KindSpec) {
  const resource = resourceSchema(kind);
  const nothing = z.strictObject({});
  return z.strictObject({
    type: z.enum(['added', 'modified', 'deleted', 'bookmark']),
    resourceVersion: z.string().describe('Resume the watch from here.'),
    object: z
      .union([resource, resource.extend({ spec: nothing, status: nothing })])
      .optional()
      .describe('Resource, without spec and status if the caller may no longer read it (`deleted`).'),
  });
}

const word = (kind: KindSpec) => kind.kind.charAt(0).toLowerCase() + kind.kind.slice(1);
/** `a Secret`, `an AlertChannel`. */
const article = (kind: KindSpec) => `${/^[AEIOU]/.test(kind.kind) ? 'an' : 'a'} ${kind.kind}`;

/** The target of a write with its resulting state. */
function written(input: unknown): Pick<OperationTarget, 'name' | 'desired'> {
  const { metadata, spec } = (input as { manifest: Pick<Manifest<DesiredState['spec']>, 'metadata' | 'spec'> })
    .manifest;
  return { name: metadata.name, desired: { labels: metadata.labels, spec } };
}

const name = { name: z.string().min(1).max(256) };
const named = (kind: KindSpec) => (input: unknown) => ({ kind: kind.kind, name: (input as { name: string }).name });

/** The operations that the kernel handles for every kind, and the kind's own actions. */
export function resourceOperations(kind: KindSpec): readonly Operation[] {
  return [
    ...Object.values(uniformOperations(kind)),
    ...kind.actions.map((action: KindAction) => actionOperation(kind, action)),
  ];
}

export type ActionVerb<Spec extends KindSpec> = Spec['actions'][number]['verb'];
type ActionOf<Spec extends KindSpec, Verb> = Extract<Spec['actions'][number], { readonly verb: Verb }>;

/** The schemas of an action of a kind as an operation. */
export interface ActionSchemas<Spec extends KindSpec, Verb extends ActionVerb<Spec>> {
  readonly input: z.ZodType<z.output<ActionOf<Spec, Verb>['input']> & { readonly name: string }>;
  readonly output: ActionOf<Spec, Verb>['output'];
}

/** An action of a kind as an operation. */
export function actionOperation(kind: KindSpec, action: KindAction): Operation {
  const noun = word(kind);
  return defineOperation({
    name: `${noun}.${action.verb}`,
    action: `${noun}:${action.verb}`,
    mode: action.mode,
    scope: kind.scope,
    summary: action.description,
    input: action.input.extend(name),
    output: action.output,
    target: named(kind),
    http: { method: 'POST', path: `/api/v1/${kind.plural}/:name/actions/${action.verb}`, status: 200 },
  });
}

export type UniformOperations = ReturnType<typeof uniformOperations>;

/** The operations that the kernel handles for every kind. */
export function uniformOperations(kind: KindSpec) {
  const noun = word(kind);
  const one = { kind: kind.kind };
  const base = `/api/v1/${kind.plural}` as const;
  const manifest = manifestSchema(kind);
  const resource = resourceSchema(kind);
  const ifMatch = { resourceVersion: z.string().max(64).optional().describe('Succeed only at this version.') };
  return {
    list: defineOperation({
      name: `${noun}.list`,
      action: `${noun}:read`,
      mode: 'read',
      scope: kind.scope,
      summary: `Lists ${kind.plural}, ordered by name.`,
      input: z.strictObject({
        ...pageInput,
        labels: selectorSchema.optional(),
        origin: z.string().max(32).optional().describe('Only resources created by this type of client.'),
        owner: z.string().max(256).optional().describe('Only resources of this manifest set.'),
      }),
      output: z.strictObject({
        items: z.array(resource),
        nextCursor: z.string().optional(),
        resourceVersion: z.string().describe('Position for watching without gaps.'),
      }),
      target: () => one,
      http: { method: 'GET', path: base, status: 200, query: ['limit', 'cursor', 'labels', 'origin', 'owner'] },
    }),
    watch: defineOperation({
      name: `${noun}.watch`,
      action: `${noun}:read`,
      mode: 'watch',
      scope: kind.scope,
      summary: `Streams every change of ${kind.plural}.`,
      input: z.strictObject({
        resourceVersion: z.string().max(128).optional().describe('Start after this position; default: now.'),
        labels: selectorSchema.optional(),
      }),
      output: watchEventSchema(kind),
      target: () => one,
      http: { method: 'GET', path: base, status: 200, query: ['resourceVersion', 'labels'] },
    }),
    get: defineOperation({
      name: `${noun}.get`,
      action: `${noun}:read`,
      mode: 'read',
      scope: kind.scope,
      summary: `Returns one ${kind.kind}.`,
      input: z.strictObject(name),
      output: resource,
      target: named(kind),
      http: { method: 'GET', path: `${base}/:name`, status: 200 },
    }),
    create: defineOperation({
      name: `${noun}.create`,
      action: `${noun}:write`,
      mode: 'write',
      scope: kind.scope,
      summary: `Creates ${article(kind)}. Returns 409 if the name exists.`,
      input: z.strictObject({ manifest }),
      output: resource,
      target: (input) => ({ ...one, ...written(input) }),
      http: { method: 'POST', path: base, status: 201, bodyField: 'manifest', yaml: true },
    }),
    update: defineOperation({
      name: `${noun}.update`,
      action: `${noun}:write`,
      mode: 'write',
      scope: kind.scope,
      summary: `Replaces the spec, labels and annotations of ${article(kind)}.`,
      input: z.strictObject({ ...name, manifest, ...ifMatch }),
      output: resource,
      target: (input) => ({ ...written(input), ...named(kind)(input) }),
      http: {
        method: 'PUT',
        path: `${base}/:name`,
        status: 200,
        bodyField: 'manifest',
        ifMatchField: 'resourceVersion',
        yaml: true,
      },
    }),
    delete: defineOperation({
      name: `${noun}.delete`,
      action: `${noun}:delete`,
      mode: 'write',
      scope: kind.scope,
      summary: `Deletes ${article(kind)}. Refused while other resources refer to it; the error lists them.`,
      input: z.strictObject({ ...name, ...ifMatch }),
      output: resource,
      target: named(kind),
      http: { method: 'DELETE', path: `${base}/:name`, status: 200, ifMatchField: 'resourceVersion' },
    }),
    history: defineOperation({
      name: `${noun}.history`,
      action: `${noun}:read`,
      mode: 'read',
      scope: kind.scope,
      summary: `Lists the revisions of ${article(kind)}, newest first.`,
      input: z.strictObject({ ...name, ...pageInput }),
      output: revisionPage,
      target: named(kind),
      http: { method: 'GET', path: `${base}/:name/history`, status: 200, query: ['limit', 'cursor'] },
    }),
    rollback: defineOperation({
      name: `${noun}.rollback`,
      action: `${noun}:write`,
      mode: 'write',
      scope: kind.scope,
      summary: `Rolls ${article(kind)} back to an older revision, as a new revision.`,
      input: z.strictObject({
        ...name,
        generation: z.int().min(1).optional().describe('Default: the previous revision.'),
      }),
      output: resource,
      target: named(kind),
      http: { method: 'POST', path: `${base}/:name/actions/rollback`, status: 200 },
    }),
  };
}
