import { z } from 'zod';
import type { Issue } from '#errors.ts';

/** The only version of the manifest format; stored with every resource. */
export const API_VERSION = 'dais.dev/v1';

/** Maximum number of bytes of manifests in one apply. */
export const MAX_APPLY_BYTES = 16 * 1024 * 1024;
/** Maximum number of documents in one apply. */
export const MAX_APPLY_DOCUMENTS = 5000;

/**
 * Printable text of at most 256 characters: the limit of the supported tools. With explicit ranges, not `\p{C}`, so
 * that the same pattern works in every JSON Schema validator.
 */
export const nameSchema = z
  .string()
  .min(1)
  .max(256)
  // oxlint-disable-next-line no-control-regex -- the pattern excludes control characters
  .regex(/^[^\u0000-\u0020\u007f-\u00a0]([^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0])?$/, {
    message: 'printable characters, not starting or ending with a space',
  });

/** Names that become part of a URL or a host name: RFC 1123 label. */
export const labelNameSchema = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, {
    message: 'lower-case letters, digits and `-`, starting and ending with a letter or digit, at most 63',
  });

const labelKey = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/, {
  message: 'letters, digits and `._/-`, at most 128, starting and ending with a letter or digit',
});
const labelValue = z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, {
  message: 'letters, digits and `._-`, at most 63, starting and ending with a letter or digit',
});

export const originSchema = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

/** The fields that a user writes under `metadata`. */
export const metadataInputSchema = z.strictObject({
  name: nameSchema.describe('Unique among the resources of its kind in its project.'),
  project: labelNameSchema
    .optional()
    .describe('Project of the resource. Default: the project of the request. Organization kinds have none.'),
  labels: z
    .record(labelKey, labelValue)
    .optional()
    .describe('Key/value labels for selection: `dais get secrets -l team=vision`.'),
  annotations: z
    .record(labelKey, z.string().max(65_536))
    .optional()
    .describe('Free-form text for people and tools, not selectable.'),
  resourceVersion: z
    .string()
    .max(64)
    .optional()
    .describe('Optimistic concurrency: the write succeeds only at this version.'),
});
export type MetadataInput = z.infer<typeof metadataInputSchema>;

/** The source of a revision, when it was applied from a git checkout. */
export const sourceSchema = z.strictObject({
  remote: z.string().max(2048).optional().describe('URL of the git remote, without credentials.'),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40,64}$/)
    .optional()
    .describe('The commit that was checked out.'),
  path: z.string().max(4096).optional().describe('Path of the file inside the repository.'),
  dirty: z.boolean().optional().describe('Whether the file had uncommitted changes.'),
});
export type Source = z.infer<typeof sourceSchema>;

/** The actor. */
export const actorSchema = z.strictObject({
  type: z.enum(['user', 'service', 'system']).describe('A user, a service account or the platform.'),
  id: z.string().describe('Stable name of the actor.'),
});
export type Actor = z.infer<typeof actorSchema>;

/** The fields that the platform maintains under `metadata`. */
export const metadataSchema = z.strictObject({
  uid: z.string().describe('Unique ID of this resource. A new resource of the same name has another UID.'),
  name: z.string().describe('As written.'),
  project: z.string().optional().describe('Absent for organization kinds.'),
  labels: z.record(z.string(), z.string()).describe('As written.'),
  annotations: z.record(z.string(), z.string()).describe('As written.'),
  origin: z.string().describe('Kind of client that created it: `manifest`, `mlflow`, `kfp`, …'),
  owner: z.string().optional().describe('The set of manifests it was applied with; `--prune` works within one set.'),
  generation: z.int().describe('Revision number; incremented when spec, labels or annotations change.'),
  resourceVersion: z.string().describe('Changes with every write, status included. Opaque.'),
  createdAt: z.string().describe('Creation time; RFC 3339, UTC.'),
  updatedAt: z.string().describe('Last change of spec, labels or annotations; RFC 3339, UTC.'),
  deletionRequestedAt: z.string().optional().describe('Set while the deletion waits for finalizers.'),
  finalizers: z.array(z.string()).optional().describe('Finalizers that must finish before the deletion.'),
  source: sourceSchema.optional().describe('Source of the current revision.'),
});
export type Metadata = z.infer<typeof metadataSchema>;

/**
 * One aspect of a resource's state, in positive polarity (`Ready`, never `NotReady`); Kubernetes API conventions,
 * “Typical status properties”.
 */
export const conditionSchema = z.strictObject({
  type: z.string().describe('Type of the condition: `Ready`.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Status of the condition.'),
  reason: z.string().describe('Machine-readable reason in CamelCase.'),
  message: z.string().describe('Human-readable message: the state and how to change it.'),
  observedGeneration: z.int().describe('Observed generation.'),
  lastTransitionTime: z.string().describe('RFC 3339, UTC: when `status` last changed.'),
});
export type Condition = z.infer<typeof conditionSchema>;

/** Status fields of every kind. */
export const baseStatus = {
  observedGeneration: z.int().optional().describe('Observed generation of the conditions.'),
  conditions: z.array(conditionSchema).optional().describe('Conditions, one per type.'),
};

/** A desired state as a user writes it. */
export interface Manifest<Spec = unknown> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: string;
  readonly metadata: MetadataInput;
  readonly spec: Spec;
}

/** A resource as the platform stores it: `spec` is exactly as written (defaults are not filled in). */
export interface Resource<Spec = Record<string, unknown>, Status = Record<string, unknown>> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status: Status;
}

/** Reference to one resource. `project` is absent for organization kinds and for “the project of the request”. */
export interface ResourceRef {
  readonly kind: string;
  readonly name: string;
  readonly project?: string;
}

/** A string field that names a resource of `kind` in the same project; the kernel checks that it exists. */
export function reference(kind: string): z.ZodString {
  return z.string().min(1).max(256).meta({ 'x-reference': kind });
}

/** A verb beyond create, read, update, delete: `POST /api/v1/<plural>/<name>/actions/<verb>`. */
export interface KindAction {
  readonly verb: string;
  readonly description: string;
  readonly mode: 'read' | 'write';
  readonly input: z.ZodObject;
  readonly output: z.ZodType;
}

/** One column of `dais get` and of the console's tables. */
export interface Column {
  readonly title: string;
  /** Path into the resource: `spec.description`, `status.conditions[Ready]`. */
  readonly path: string;
  /** Shown only with `-o wide`. */
  readonly wide?: boolean;
}

/**
 * Attributes for policies that filter lists of a kind: always present, because `path` names a required field or
 * `fallback` replaces it.
 */
export interface Attribute {
  /** The name in policies: `resource.environment`. */
  readonly name: string;
  /** Path into the resource: `spec.environment`. */
  readonly path: string;
  readonly type: 'string' | 'long' | 'bool' | 'strings';
  /** Value when the field is absent. */
  readonly fallback: string | number | boolean | readonly string[];
  readonly description: string;
}

/** A kind of resource, for server, CLI, console, editors and reference pages. */
export interface KindSpec {
  readonly kind: string;
  /** The word in URLs and on the command line; lower case. */
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly scope: 'org' | 'project';
  /** One or two sentences; the introduction of the reference page. */
  readonly description: string;
  readonly name: z.ZodString;
  readonly spec: z.ZodObject;
  readonly status: z.ZodObject;
  /** Rules across fields that JSON Schema cannot express. Pure. Paths are relative to the manifest (`spec.…`). */
  readonly check?: (spec: never) => readonly Issue[];
  /** Top-level spec fields whose values are accepted but never returned. */
  readonly writeOnly?: readonly string[];
  /** Immutable top-level spec fields. */
  readonly immutable?: readonly string[];
  readonly actions: readonly KindAction[];
  /** In addition to `name`, `origin`, `owner` and labels, which every kind has. */
  readonly attributes?: readonly Attribute[];
  readonly columns: readonly Column[];
  /** A complete valid manifest; shown by `dais explain` and in the reference. */
  readonly example: string;
}
