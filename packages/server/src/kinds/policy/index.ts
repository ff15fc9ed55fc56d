import { policyKind, organizationPolicyKind } from '@dais/api/access';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitPolicy, type PolicyTools } from './policy-admission.ts';

/** Policies in addition to roles: forbidden and permitted actions, in one project or everywhere. */
export function policies(tools: PolicyTools): readonly KindDefinition[] {
  return [policyKind, organizationPolicyKind].map((spec) => ({
    spec,
    admit: async (tx, change) => await admitPolicy(tx, change, spec.kind, tools),
  }));
}
