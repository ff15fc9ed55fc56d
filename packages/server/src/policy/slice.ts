import type { Slice } from '#engines/database/contract.ts';
import { policyState } from '#policy/migrations/0001-state.ts';
import { identityTables } from '#policy/migrations/0002-identity.ts';
import { signInTables } from '#policy/migrations/0003-sign-in.ts';
import { stepTokens } from '#policy/migrations/0004-step-tokens.ts';
import { factTables } from '#policy/migrations/0005-facts.ts';
import { provisioningTables } from '#policy/migrations/0006-provisioning.ts';

export const policySlice: Slice = {
  schema: 'policy',
  migrations: [policyState, identityTables, signInTables, stepTokens, factTables, provisioningTables],
  // A copy can be older than recent revocations: it ends all sessions and invitations. Tokens stay, because programs
  // cannot get new ones automatically; tokens that were revoked after the copy must be revoked again. Refresh tokens
  // are deleted: a provider that sees one used by original and copy treats it as stolen and ends both.
  afterImport: `
delete from policy.session;
delete from policy.invitation;
delete from policy.sign_in;
delete from policy.device_grant;
delete from policy.step_token;
update policy.identity_link set key_id = null, key_fingerprint = null, wrapped = null, iv = null, ciphertext = null,
  tag = null, checked_at = clock_timestamp();
update policy.state set version = version + 1;
`,
};
