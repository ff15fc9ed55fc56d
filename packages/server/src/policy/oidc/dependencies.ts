import type { Database } from '#engines/database/contract.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { RandomSource } from '#lib/crypto/digests.ts';
import type { IdentitySettings } from '#policy/identity/identity-dependencies.ts';
import type { Sessions } from '#policy/identity/sessions/sessions.ts';
import type { IssuerKeys } from './federation/issuer-keys.ts';
import type { ProviderClient } from './provider-client.ts';
import type { Sealer } from './sealer.ts';

/** Dependencies of sign-in with identity providers. */
export interface SignInDependencies {
  readonly database: Database;
  readonly kinds: KindRegistry;
  readonly sessions: Sessions;
  readonly sealer: Sealer;
  readonly random: RandomSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: Pick<IdentitySettings, 'mode'>;
  /** By name. */
  readonly providers: ReadonlyMap<string, ProviderClient>;
  /** Keys of these providers. */
  readonly providerKeys: IssuerKeys;
  /** Keys of issuers that service accounts trust. */
  readonly issuerKeys: IssuerKeys;
  /** Where people reach the server, without a slash at the end. */
  readonly url: string;
  /** Life of what `dais login` gets, in milliseconds. */
  readonly deviceTokenMs: number;
}
