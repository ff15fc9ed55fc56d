import type { Resource } from '@dais/api';
import { organizationRoleBindingKind, roleBindingKind } from '@dais/api/access';
import { useAll } from './use-all.ts';
import { useMay } from '#server/own-access.ts';

export interface Administrator {
  readonly kind: 'User' | 'Team';
  readonly name: string;
}

/** Returns who can change permissions in a project, as far as the viewer can read it. */
export function useAdministrators(project: string): readonly Administrator[] {
  const may = useMay(project);
  const own = useAll(roleBindingKind, project, may('roleBinding:read') === true);
  const all = useAll(organizationRoleBindingKind, project, may('organizationRoleBinding:read') === true);
  return administratorsOf([...own, ...all]);
}

/** Each principal once; people before teams. */
function administratorsOf(bindings: readonly Resource[]): readonly Administrator[] {
  const specs = bindings.map(({ spec }) => spec as { role?: string; users?: string[]; teams?: string[] });
  const admins = specs.filter(({ role }) => role === 'admin');
  const names = (list: readonly (readonly string[])[]) => [...new Set(list.flat())];
  return [
    ...names(admins.map(({ users = [] }) => users)).map((name) => ({ kind: 'User' as const, name })),
    ...names(admins.map(({ teams = [] }) => teams)).map((name) => ({ kind: 'Team' as const, name })),
  ];
}
