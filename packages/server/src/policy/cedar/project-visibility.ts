/**
 * Decides whether a project is visible: it is visible to subjects with any permission in it. Other subjects get
 * `not_found`.
 */
import { DEFAULT_TENANT } from '#kernel/tenants.ts';
import { mayApply, setsOf, type Inquiry } from './authorize.ts';
import { actionUid, ORGANIZATION_ENTITY, SELF_GROUP } from './model.ts';
import { projectEntity } from './resource-entity.ts';

/** Their actions belong to the organization: they need no access to projects. */
const ORGANIZATION_ROLES: ReadonlySet<string> = new Set(['scraper', 'provisioner'].map((role) => actionUid(role).key));

/** Whether the caller must not learn that the project exists. The default one is known to everybody. */
export function isHidden(inquiry: Inquiry): boolean {
  const { project } = inquiry;
  return project !== '' && project !== DEFAULT_TENANT && !hasRoleIn(inquiry) && !isPermittedSomething(inquiry);
}

/** Keys of the principals through which a subject has a role in the project: itself and its teams. */
export function memberships({ project, rules, principal, principalEntity }: Inquiry): ReadonlySet<string> {
  const here = projectEntity(project).key;
  return new Set(
    rules.organization.links
      .filter(({ resource }) => resource.key === here)
      .map(({ principal: of }) => of.key)
      .filter((key) => key === principal.key || principalEntity.ancestors.has(key)),
  );
}

function hasRoleIn({ project, rules, principal, principalEntity }: Inquiry): boolean {
  const here = projectEntity(project).key;
  const theirs = (key: string) => key === principal.key || principalEntity.ancestors.has(key);
  return rules.organization.links.some(
    ({ principal: of, role, resource }) =>
      theirs(of.key) &&
      !ORGANIZATION_ROLES.has(role.key) &&
      (resource.key === here || resource.key === ORGANIZATION_ENTITY.key),
  );
}

/** By a policy alone, without any role. What everybody may do for themselves does not count. */
function isPermittedSomething(inquiry: Inquiry): boolean {
  const { kinds, actions } = inquiry.rules.model;
  const inProjects = [...actions.values()].filter((action) => action.inProjects && !action.groups.includes(SELF_GROUP));
  return setsOf(inquiry).some((set) =>
    set.policies.some(
      (policy) =>
        policy.effect === 'permit' &&
        inProjects.some((action) =>
          action.kinds.some(
            (kind) => kinds.get(kind)?.spec.scope !== 'org' && mayApply({ ...inquiry, action }, policy, kind),
          ),
        ),
    ),
  );
}
