/** Operations and jobs of accounts and of sign-in; see compose.ts. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { IdentityDependencies } from '#policy/identity/identity-dependencies.ts';
import type { SignInOptions } from '#policy/oidc/index.ts';
import type { ProvisioningDependencies } from '#policy/provisioning/index.ts';
import type { LoadedKinds } from '#compose.ts';

/** Identity: operations of users, sessions, tokens and invitations. */
export async function loadIdentity(
  dependencies: Omit<IdentityDependencies, 'hasher'> & ProvisioningDependencies,
): Promise<Pick<LoadedKinds, 'entries' | 'jobs'>> {
  const [{ identityEntries }, { identityRetention }, { PasswordHasher }, { provisioningEntries }] = await Promise.all([
    import('#policy/identity/identity-entries.ts'),
    import('#policy/identity/identity-retention.ts'),
    import('#policy/identity/passwords/password-hash.ts'),
    import('#policy/provisioning/index.ts'),
  ]);
  const identity = identityEntries({ ...dependencies, hasher: new PasswordHasher() });
  return { entries: [...identity, ...provisioningEntries(dependencies)], jobs: [identityRetention] };
}

/** Signing in elsewhere: at identity providers, on command lines, with tokens of CI systems. */
export async function loadSignIn({
  keys,
  ...options
}: Omit<SignInOptions, 'sealer'> & { readonly keys: KeyStore }): Promise<Pick<LoadedKinds, 'entries' | 'jobs'>> {
  const [{ openFederatedSignIn }, { open, seal }] = await Promise.all([
    import('#policy/oidc/index.ts'),
    import('#kinds/secret/sealing.ts'),
  ]);
  const sealer: SignInOptions['sealer'] = {
    seal: async (plaintext, context) => await seal(keys, plaintext, context),
    open: async (sealed, context) => await open(keys, sealed, context),
  };
  return openFederatedSignIn({ ...options, sealer });
}
