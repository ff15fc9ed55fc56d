import type { Change, FieldChange, Issue, Source } from '@dais/api';
import { API_VERSION, DaisError, diffFields, refusedByState } from '@dais/api';
import type { ResourceRow } from '#kernel/store.ts';

/** The desired state of a document, a PUT or a rollback. Already validated. */
export interface Desired {
  readonly kind: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly origin: string;
  readonly owner?: string | undefined;
  readonly source?: Source | undefined;
  /** The write is refused unless the resource is at this version. */
  readonly ifVersion?: string | undefined;
}

export interface DecideOptions {
  /** Create only, update only, or whatever is needed. */
  readonly allow: 'create' | 'update' | 'both';
  readonly takeOver: boolean;
  readonly immutable: readonly string[];
  /** Paths of write-only fields with changed values, as detected by the kind. */
  readonly hiddenChanges: readonly string[];
}

export type Decision =
  | { readonly action: 'create'; readonly fields: readonly FieldChange[] }
  | { readonly action: 'update'; readonly fields: readonly FieldChange[] }
  /** No field of a revision differs; the owner can. */
  | { readonly action: 'unchanged'; readonly fields: readonly []; readonly ownerChanged: boolean };

/**
 * What has to happen to make `before` what is desired. Pure: plan and apply decide by this same function.
 * @throws DaisError `already_exists`, `not_found`, `conflict`, `precondition_failed`, `being_deleted`, `other_origin`,
 *   `immutable_field`.
 */
export function decide(before: ResourceRow | undefined, desired: Desired, options: DecideOptions): Decision {
  const label = `${desired.kind} "${desired.name}"`;
  if (before === undefined) {
    if (options.allow === 'update') throw new DaisError('not_found', `There is no ${label}.`);
    if (desired.ifVersion !== undefined) {
      throw new DaisError(
        'precondition_failed',
        `${label} does not exist, but the request expects version ${desired.ifVersion}.`,
      );
    }
    return { action: 'create', fields: changedFields(undefined, desired, options.hiddenChanges) };
  }
  if (options.allow === 'create') throw new DaisError('already_exists', `${label} already exists.`);
  if (desired.ifVersion !== undefined && desired.ifVersion !== String(before.version)) {
    throw new DaisError('precondition_failed', `${label} has version ${before.version}, not ${desired.ifVersion}.`);
  }
  const refused = refusedByState('update', { ...desired, deleting: before.deletion_at !== null });
  if (refused !== undefined) throw refused;
  if (before.origin !== desired.origin && !options.takeOver) {
    throw new DaisError('other_origin', `${label} is managed through ${before.origin}.`);
  }
  const moved = options.immutable.filter((field) => diffFields(before.spec[field], desired.spec[field]).length > 0);
  if (moved.length > 0) {
    const issues = moved.map((field): Issue => ({ path: `spec.${field}`, message: 'cannot be changed' }));
    throw new DaisError('immutable_field', `${label}: ${moved.map((field) => `spec.${field}`).join(', ')}.`, {
      issues,
    });
  }
  const fields = changedFields(before, desired, options.hiddenChanges);
  const ownerChanged =
    before.origin !== desired.origin || (desired.owner !== undefined && desired.owner !== before.owner);
  if (fields.length === 0 && before.api_version === API_VERSION)
    return { action: 'unchanged', fields: [], ownerChanged };
  return { action: 'update', fields };
}

function changedFields(before: ResourceRow | undefined, desired: Desired, hidden: readonly string[]): FieldChange[] {
  return [
    ...diffFields(before?.labels ?? {}, desired.labels, ['metadata', 'labels']),
    ...diffFields(before?.annotations ?? {}, desired.annotations, ['metadata', 'annotations']),
    ...diffFields(before?.spec ?? {}, desired.spec, ['spec']),
    ...hidden.map((path): FieldChange => ({ path, after: '(changed)' })),
  ];
}

export function presentChange(
  key: { readonly kind: string; readonly name: string; readonly project: string },
  action: Change['action'],
  fields: readonly FieldChange[],
  after?: Pick<ResourceRow, 'generation'> & Partial<Pick<ResourceRow, 'version'>>,
): Change {
  return {
    kind: key.kind,
    name: key.name,
    ...(key.project !== '' && { project: key.project }),
    action,
    fields: [...fields],
    ...(after !== undefined && { generation: Number(after.generation) }),
    ...(after?.version !== undefined && { resourceVersion: String(after.version) }),
  };
}
