/** Access control: policies, roles, accounts, tokens, sign-in and keys of secrets. */
export { organizationPolicyKind, policyKind, policyModes } from '#kinds/policy.ts';
export type { PolicyMode } from '#kinds/policy.ts';
export { organizationRoleBindingKind, roleBindingKind, roles } from '#kinds/role-binding.ts';
export type { Role } from '#kinds/role-binding.ts';
export { secretKind, secretSpec, secretStatus } from '#kinds/secret.ts';
export { serviceAccountKind } from '#kinds/service-account.ts';
export { teamKind } from '#kinds/team.ts';
export { userKind } from '#kinds/user.ts';
export {
  accessOperations,
  furtherActions,
  policyReasonSchema,
  readAccessOperation,
  readOwnAccessOperation,
  simulatePolicyOperation,
  testPolicyOperation,
  whyOperation,
} from '#operations/access.ts';
export type { FurtherAction, OwnAccess, PolicyReason } from '#operations/access.ts';
export { exchangeTokenOperation } from '#operations/federation.ts';
export {
  acceptInvitationOperation,
  changePasswordOperation,
  createInvitationOperation,
  createServiceTokenOperation,
  createTokenOperation,
  currentSessionOperation,
  identityOperations,
  inviteAdministratorOperation,
  listInvitationsOperation,
  listServiceTokensOperation,
  listSessionsOperation,
  listTokensOperation,
  listUserSessionsOperation,
  listUserTokensOperation,
  loginOperation,
  logoutOperation,
  readInvitationOperation,
  resetPasswordOperation,
  revokeInvitationOperation,
  revokeServiceTokenOperation,
  revokeSessionOperation,
  revokeTokenOperation,
  revokeUserSessionOperation,
  revokeUserTokenOperation,
} from '#operations/identity.ts';
export type { CreatedInvitation, CurrentSession, TokenEntry } from '#operations/identity.ts';
export { keyOperations, listKeysOperation, rotateKeysOperation } from '#operations/keys.ts';
export { NODE_ROLES, nodeWork, rolesWith, type NodeRole, type NodeWork } from '#node-roles.ts';
export {
  createNodeTokenOperation,
  DRAIN_SECONDS,
  drainNodeOperation,
  listNodesOperation,
  listNodeTokensOperation,
  NODE_TOKEN_LIMITS,
  nodeOperations,
  revokeNodeTokenOperation,
  removeNodeOperation,
  resumeNodeOperation,
} from '#operations/nodes.ts';
export {
  changeProvisionedGroupOperation,
  createProvisionedGroupOperation,
  createProvisionedUserOperation,
  deleteProvisionedGroupOperation,
  deleteProvisionedUserOperation,
  listProvisionedGroupsOperation,
  listProvisionedUsersOperation,
  provisioningOperations,
  readProvisionedGroupOperation,
  readProvisionedUserOperation,
  replaceProvisionedUserOperation,
} from '#operations/provisioning.ts';
export type { ProvisionedGroup, ProvisionedUser } from '#operations/provisioning.ts';
export type { NodeToken, ServerNode } from '#operations/nodes.ts';
export {
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
  listViolationsOperation,
} from '#operations/policy-violations.ts';
export type { AuditedRefusal, PolicyViolation } from '#operations/policy-violations.ts';
export {
  finishSamlOperation,
  readSamlMetadataOperation,
  receiveSamlOperation,
  samlOperations,
  startSamlOperation,
} from '#operations/saml.ts';
export {
  approveDeviceOperation,
  denyDeviceOperation,
  endFromProviderOperation,
  finishSignInOperation,
  leaveProviderOperation,
  pollDeviceOperation,
  readDeviceOperation,
  startDeviceOperation,
  startSignInOperation,
} from '#operations/sign-in.ts';
export { factTypes, factsOfKind, policyFacts, upstreamLimits } from '#policy/facts.ts';
export type { FactSubject, FactType, Facts, PolicyFact, PolicyFactName } from '#policy/facts.ts';
export { keyValues, plainAttributes, plainDouble, plainInt, plainMap, simpleValue } from '#records/attribute-value.ts';
export type { KeyValue } from '#records/attribute-value.ts';
