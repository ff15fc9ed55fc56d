import { alertChannelKind } from '#kinds/alert-channel.ts';
import { entityKind } from '#kinds/entity.ts';
import { featureServiceKind } from '#kinds/feature-service.ts';
import { featureViewKind } from '#kinds/feature-view.ts';
import { datasetKind } from '#kinds/dataset.ts';
import { endpointKind } from '#kinds/endpoint.ts';
import { monitorKind } from '#kinds/monitor.ts';
import { modelKind } from '#kinds/model.ts';
import { pipelineKind } from '#kinds/pipeline.ts';
import { organizationPolicyKind, policyKind } from '#kinds/policy.ts';
import { projectKind } from '#kinds/project.ts';
import { organizationRoleBindingKind, roleBindingKind } from '#kinds/role-binding.ts';
import { scheduleKind } from '#kinds/schedule.ts';
import { secretKind } from '#kinds/secret.ts';
import { serviceAccountKind } from '#kinds/service-account.ts';
import { targetKind } from '#kinds/target.ts';
import { teamKind } from '#kinds/team.ts';
import { userKind } from '#kinds/user.ts';
import type { KindSpec } from '#manifest.ts';

const all = [
  projectKind,
  secretKind,
  alertChannelKind,
  userKind,
  teamKind,
  serviceAccountKind,
  roleBindingKind,
  organizationRoleBindingKind,
  policyKind,
  organizationPolicyKind,
  modelKind,
  pipelineKind,
  scheduleKind,
  targetKind,
  datasetKind,
  entityKind,
  featureViewKind,
  featureServiceKind,
  endpointKind,
  monitorKind,
] as const;

/** The kinds with their precise types, from which the typed client derives its own. */
export type KnownKind = (typeof all)[number];

/** All kinds in the order of the reference pages and `dais explain`. */
export const kinds: readonly KindSpec[] = all;

/** Finds a kind by its name, plural or short name, in any case. */
export function findKind(word: string): KindSpec | undefined {
  const lower = word.toLowerCase();
  return kinds.find(
    (kind) => kind.kind.toLowerCase() === lower || kind.plural === lower || kind.shortNames?.includes(lower) === true,
  );
}
