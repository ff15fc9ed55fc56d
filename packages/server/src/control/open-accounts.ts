/** Opens what knows people: the authorizer, sessions, the operations of identity and of sign-in. */
import type { Database } from '#engines/database/contract.ts';
import type { Kernel } from '#kernel/kernel.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { KindRegistry } from '#kernel/registry.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import type { Log } from '#lib/log.ts';
import { randomBytes } from '#lib/random-bytes.ts';
import { Sessions } from '#policy/identity/sessions.ts';
import { loadIdentity, loadSignIn } from '#compose/identity.ts';
import type { ControlSetup } from './control-setup.ts';
import { readProviders } from './identity-providers.ts';
import { publicUrl } from './server-url.ts';
import type { ControlEngines } from './open-engines.ts';

export interface Accounts {
  readonly sessions: Sessions;
  /** Their operations and jobs. */
  readonly parts: readonly Pick<Ledger, 'entries' | 'jobs'>[];
}

/** @throws DaisError `invalid_config` for identity providers that cannot be used. */
export async function openAccounts(
  { config, port }: ControlSetup,
  { keys, outbound, clock }: ControlEngines,
  {
    database,
    kinds,
    kernel,
    log,
  }: {
    readonly database: Database;
    readonly kinds: readonly KindDefinition[];
    readonly kernel: () => Kernel;
    readonly log: Log;
  },
): Promise<Accounts> {
  const { authentication } = config;
  const life = {
    idleMs: authentication.sessionIdleMinutes * 60_000,
    absoluteMs: authentication.sessionHours * 3_600_000,
  };
  const sessions = new Sessions(life, randomBytes);
  const accounts = {
    database,
    kinds: new KindRegistry(kinds),
    sessions,
    random: randomBytes,
    settings: authentication,
    url: publicUrl(config, port),
  };
  const providers = await readProviders(authentication.providers);
  const identity = await loadIdentity({
    ...accounts,
    operations: () => kernel().dispatcher.operations,
    providers: providers.map(({ name, title = name }) => ({ name, title })),
  });
  const deviceTokenMs = authentication.cliHours * 3_600_000;
  const signIn = await loadSignIn({ ...accounts, keys, outbound, clock, log, providers, deviceTokenMs });
  return { sessions, parts: [identity, signIn] };
}
