/** Links to the sources of a decision: reasons name bindings by index, and policies by `@id`. Pure functions. */
import type { Resource } from '@dais/api';

export type ReasonLocation =
  | { readonly type: 'binding'; readonly kind: string; readonly project: string | undefined; readonly name: string }
  | { readonly type: 'words'; readonly text: string }
  | { readonly type: 'policy'; readonly kind: string; readonly project: string | undefined; readonly name: string }
  /** A source that the viewer cannot read. */
  | { readonly type: 'unknown' };

const WORDS: Readonly<Record<string, string>> = {
  'signed-in': 'Every signed-in user may do this.',
  'break-glass': 'The owner of this server may do everything. Policies do not apply.',
  suspended: 'The account is suspended.',
};

/** `policies`: the readable ones; ids of a project's policies include its name. */
export function reasonLocation(id: string, policies: readonly Resource[]): ReasonLocation {
  const words = WORDS[id];
  if (words !== undefined) return { type: 'words', text: words };
  const [kind = '', ...rest] = id.split('/');
  if (kind === 'RoleBinding' && rest.length > 1) {
    return { type: 'binding', kind, project: rest[0], name: rest.slice(1).join('/') };
  }
  if (kind === 'OrganizationRoleBinding' && rest.length > 0) {
    return { type: 'binding', kind, project: undefined, name: rest.join('/') };
  }
  const found = policies.find((policy) => idsOf(policy).includes(id));
  if (found === undefined) return { type: 'unknown' };
  return { type: 'policy', kind: found.kind, project: found.metadata.project, name: found.metadata.name };
}

function idsOf({ metadata: { project }, status }: Resource): readonly string[] {
  const { policies = [] } = status as { policies?: readonly { readonly id: string }[] };
  return policies.map(({ id }) => (project === undefined ? id : `${project}/${id}`));
}
