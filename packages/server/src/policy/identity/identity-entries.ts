import type { OperationEntry } from '#kernel/entry.ts';
import type { IdentityParts } from '#policy/identity/identity-parts.ts';
import { invitationEntries } from '#policy/identity/invitation-entries.ts';
import { sessionEntries } from '#policy/identity/sessions/session-entries.ts';
import { signInEntries } from '#policy/identity/sessions/sign-in-entries.ts';
import { tokenEntries } from '#policy/identity/tokens/token-entries.ts';

/** Every operation of people, sessions, tokens and invitations. */
export function identityEntries(parts: IdentityParts): readonly OperationEntry[] {
  return [...signInEntries(parts), ...sessionEntries(parts), ...tokenEntries(parts), ...invitationEntries(parts)];
}
