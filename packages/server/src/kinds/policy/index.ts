import { policyKind, organisationPolicyKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitPolicy, type PolicyTools } from './policy-admission.ts';

/** What must never happen, or may happen beside the roles: in one project, and anywhere. */
export function policies(tools: PolicyTools): readonly KindDefinition[] {
  return [policyKind, organisationPolicyKind].map((spec) => ({
    spec,
    admit: async (tx, change) => await admitPolicy(tx, change, spec.kind, tools),
  }));
}
