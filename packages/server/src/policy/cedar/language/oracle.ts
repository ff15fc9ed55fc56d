/** Decisions by cedar-wasm itself: for constructs outside of the compiled evaluator, and to verify it. */
import type { PolicySet as WasmPolicySet, Schema } from '@cedar-policy/cedar-wasm/nodejs';
import type { EntityJson, PolicyJson, UidJson } from './cedar-json.ts';
import type { CedarWasm } from './cedar-wasm.ts';
import type { RoleLink, PolicyDecision } from './policy-set.ts';
import type { EntityUid } from './values.ts';

/** A request in Cedar's JSON form. */
export interface RequestJson {
  readonly principal: UidJson;
  readonly action: UidJson;
  readonly resource: UidJson;
  readonly context: Readonly<Record<string, unknown>>;
  readonly entities: readonly EntityJson[];
}

export interface OraclePolicies {
  readonly policies: readonly { readonly id: string; readonly source: PolicyJson | string }[];
  readonly links: readonly RoleLink[];
}

const uid = ({ type, id }: EntityUid): UidJson => ({ type, id });

/** Policies and links in the format of cedar-wasm, with one template per role. */
export function wasmPolicies({ policies, links }: OraclePolicies): WasmPolicySet {
  const roles = new Map(links.map(({ role }) => [role.key, role]));
  return {
    staticPolicies: Object.fromEntries(policies.map(({ id, source }) => [id, source])) as Record<string, string>,
    templates: Object.fromEntries(
      [...roles].map(([key, role]) => [
        `role ${key}`,
        `permit(principal in ?principal, action in ${role.type}::${JSON.stringify(role.id)}, resource in ?resource);`,
      ]),
    ),
    // One binding has a link for each of its people: they share its id, which Cedar does not allow.
    templateLinks: links.map(({ principal, role, resource }, index) => ({
      templateId: `role ${role.key}`,
      newId: `link ${index}`,
      values: { '?principal': uid(principal), '?resource': uid(resource) },
    })),
  };
}

/** @throws Error when cedar-wasm cannot read what it is given. */
export function decideByWasm(
  cedar: CedarWasm,
  policies: OraclePolicies,
  request: RequestJson,
  schema?: Schema,
): PolicyDecision {
  const { principal, action, resource, context, entities } = request;
  const answer = cedar.isAuthorized({
    principal,
    action,
    resource,
    context: context as Record<string, never>,
    entities: entities as never,
    policies: wasmPolicies(policies),
    ...(schema !== undefined && { schema, validateRequest: false }),
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  const { decision, diagnostics } = answer.response;
  return {
    allowed: decision === 'allow',
    reasons: [...new Set(diagnostics.reason.map((id) => linkId(id, policies.links)))].toSorted(),
    errors: diagnostics.errors.map((error) => error.policyId).toSorted(),
  };
}

/** The id of the binding of a link. Ids of policies contain no space. */
export function linkId(id: string, links: readonly RoleLink[]): string {
  const match = /^link (\d+)$/.exec(id);
  return match === null ? id : (links[Number(match[1])]?.id ?? id);
}
