import type { OperationEntry } from '#kernel/entry.ts';
import type { IdentityDependencies } from '#policy/identity/identity-dependencies.ts';
import { invitationEntries } from '#policy/identity/invitation-entries.ts';
import { sessionEntries } from '#policy/identity/sessions/session-entries.ts';
import { signInEntries } from '#policy/identity/sessions/sign-in-entries.ts';
import { tokenEntries } from '#policy/identity/tokens/token-entries.ts';

/** Every operation of people, sessions, tokens and invitations. */
export function identityEntries(dependencies: IdentityDependencies): readonly OperationEntry[] {
  return [
    ...signInEntries(dependencies),
    ...sessionEntries(dependencies),
    ...tokenEntries(dependencies),
    ...invitationEntries(dependencies),
  ];
}
