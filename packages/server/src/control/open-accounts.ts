/** Opens everything that needs accounts: the authorizer, sessions, the operations of identity and of sign-in. */
import { readFile } from 'node:fs/promises';
import { DaisError, type ConfigSpec, type Issue } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { Kernel } from '#kernel/kernel.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { KindRegistry } from '#kernel/registry.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import type { Log } from '#lib/log.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import { Sessions } from '#policy/identity/sessions/sessions.ts';
import { loadIdentity, loadSignIn } from '#compose/identity.ts';
import { isLoopbackIssuer, type ProviderSettings } from '#policy/oidc/provider-settings.ts';
import { readSamlProviders } from './saml-providers.ts';
import type { ControlSetup } from './control-setup.ts';
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
  const samlProviders = await readSamlProviders(authentication);
  const identity = await loadIdentity({
    ...accounts,
    operations: () => kernel().dispatcher.operations,
    providers: [
      ...providers.map(({ name, title = name }) => ({ name, protocol: 'oidc' as const, title })),
      ...samlProviders.map(({ name, title = name }) => ({ name, protocol: 'saml' as const, title })),
    ],
    allowedDomains: (provider) =>
      [...providers, ...samlProviders].find(({ name }) => name === provider)?.allowedDomains ?? [],
  });
  const deviceTokenMs = authentication.cliHours * 3_600_000;
  const signIn = await loadSignIn({ ...accounts, keys, outbound, clock, log, providers, samlProviders, deviceTokenMs });
  return { sessions, parts: [identity, signIn] };
}

type Configured = ConfigSpec['authentication']['providers'][number];

/** @throws DaisError `invalid_config` with all errors. */
async function readProviders(configured: readonly Configured[]): Promise<readonly ProviderSettings[]> {
  const issues: Issue[] = [];
  const settings = await Promise.all(
    configured.map(async (provider, at): Promise<ProviderSettings> => {
      const path = `spec.authentication.providers[${at}]`;
      const { name, issuer, clientSecretFile, ...others } = provider;
      if (configured.findIndex((other) => other.name === name) !== at) {
        issues.push({ path: `${path}.name`, message: `is "${name}", which is the name of another provider` });
      }
      if (!issuer.startsWith('https:') && !isLoopbackIssuer(issuer)) {
        issues.push({ path: `${path}.issuer`, message: 'does not use HTTPS', expected: 'https://…' });
      }
      if (clientSecretFile !== undefined && others.clientSecret !== undefined) {
        issues.push({
          path: `${path}.clientSecretFile`,
          message: 'cannot be combined with `clientSecret`',
          expected: 'one',
        });
      }
      const clientSecret =
        clientSecretFile === undefined ? others.clientSecret : await readSecret(clientSecretFile, path, issues);
      return { ...others, name, issuer, clientSecret };
    }),
  );
  if (issues.length === 0) return settings;
  const problems = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new DaisError('invalid_config', `The identity providers cannot be used: ${problems}.`, { issues });
}

async function readSecret(file: string, path: string, issues: Issue[]): Promise<string | undefined> {
  try {
    const secret = (await readFile(file, 'utf8')).trim();
    if (secret !== '') return secret;
    issues.push({ path: `${path}.clientSecretFile`, message: `(${file}) is empty` });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    issues.push({ path: `${path}.clientSecretFile`, message: `(${file}) cannot be read (${code})` });
  }
  return undefined;
}
