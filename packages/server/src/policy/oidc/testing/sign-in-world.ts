/** A real server with accounts, on a real database, and the identity providers that a test names. */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { checkOutputs } from '#control/check-outputs.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { authRoutes } from '#http/routes/auth-routes.ts';
import { HttpServer } from '#http/server/http-server.ts';
import { nativeRoutes } from '#http/routes/native-routes.ts';
import { TEST_LIMITS } from '#http/testing/http-fixture.ts';
import { Kernel } from '#kernel/kernel.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { Principal } from '#kernel/principal.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { transact } from '#kernel/transaction.ts';
import { policies } from '#kinds/policy/index.ts';
import { project } from '#kinds/project/index.ts';
import { roleBindings } from '#kinds/role-binding/index.ts';
import { open, seal } from '#kinds/secret/sealing.ts';
import { serviceAccount } from '#kinds/service-account/index.ts';
import { team } from '#kinds/team/index.ts';
import { user } from '#kinds/user/index.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { DaisError, type Event, type Resource } from '@dais/api';
import { AccountAccess } from '#policy/account-access.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';
import { claimEmail, endCredentials, forgetUser, findEmailOwner } from '#policy/identity/credentials.ts';
import { AccountDirectory } from '#policy/identity/directory.ts';
import { identityEntries } from '#policy/identity/identity-entries.ts';
import { PasswordHasher } from '#policy/identity/passwords/password-hash.ts';
import { Sessions } from '#policy/identity/sessions/sessions.ts';
import { openFederatedSignIn } from '#policy/oidc/index.ts';
import { ProviderClient } from '#policy/oidc/provider-client.ts';
import type { ProviderSettings } from '#policy/oidc/provider-settings.ts';
import { checkProviderAccess } from '#policy/oidc/provider-access-job.ts';
import { PolicyEngine } from '#policy/policy-engine.ts';
import { provisioningEntries } from '#policy/provisioning/index.ts';
import type { SamlSettings } from '#policy/saml/saml-settings.ts';
import { bumpVersion } from '#policy/state.ts';
import { policySlice } from '#policy/slice.ts';
import { TestProvider } from './test-provider.ts';

const OWNER: Principal = { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } };
export const OWNER_TOKEN = 'dais_own_test';
const CLIENT_SECRET = 'a secret of the client';

export interface WorldOptions {
  /** Providers with SAML, by the URL of the server. */
  readonly saml?: readonly ((url: string) => SamlSettings)[];
  readonly providers?: readonly {
    readonly name: string;
    readonly refreshTokens?: boolean;
    readonly settings?: Partial<ProviderSettings>;
  }[];
}

export class SignInWorld {
  readonly url: string;
  readonly database: TestDatabase;
  readonly outbound: Outbound;
  readonly providers: ReadonlyMap<string, TestProvider>;
  /** Everything that was logged, as text. */
  readonly logged: string[] = [];
  readonly #kernel: Kernel;
  readonly #server: HttpServer;
  readonly #settings: readonly ProviderSettings[];
  readonly #saml: readonly SamlSettings[];
  readonly #sealer: Parameters<typeof openFederatedSignIn>[0]['sealer'];

  private constructor(dependencies: {
    url: string;
    database: TestDatabase;
    outbound: Outbound;
    providers: ReadonlyMap<string, TestProvider>;
    kernel: Kernel;
    server: HttpServer;
    settings: readonly ProviderSettings[];
    saml: readonly SamlSettings[];
    sealer: Parameters<typeof openFederatedSignIn>[0]['sealer'];
    logged: string[];
  }) {
    this.url = dependencies.url;
    this.database = dependencies.database;
    this.outbound = dependencies.outbound;
    this.providers = dependencies.providers;
    this.logged = dependencies.logged;
    this.#kernel = dependencies.kernel;
    this.#server = dependencies.server;
    this.#settings = dependencies.settings;
    this.#saml = dependencies.saml;
    this.#sealer = dependencies.sealer;
  }

  static async start({ providers: expected = [], saml = [] }: WorldOptions = {}): Promise<SignInWorld> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const providers = new Map<string, TestProvider>();
    for (const { name, refreshTokens = true } of expected) {
      providers.set(
        name,
        await TestProvider.start({ name, serverUrl: url, clientSecret: CLIENT_SECRET, refreshTokens }),
      );
    }
    const settings = expected.map(({ name, settings }) => ({
      name,
      issuer: providers.get(name)?.issuer ?? '',
      clientId: 'dais',
      clientSecret: CLIENT_SECRET,
      scopes: ['openid', 'email', 'groups', 'offline_access'],
      groupsClaim: 'groups',
      allowedDomains: ['example.com'],
      createUsers: true,
      trustEmails: false,
      mfaContexts: [],
      parameters: {},
      withoutRefreshToken: 'end' as const,
      ...settings,
    }));
    const engine: PolicyEngine = new PolicyEngine(() => kinds, new AccountDirectory());
    const kinds: readonly KindDefinition[] = [
      project,
      user({ changed: bumpVersion, end: endCredentials, claimEmail, findEmailOwner, forget: forgetUser }),
      team({ changed: bumpVersion }),
      serviceAccount({ changed: bumpVersion, end: endCredentials }),
      ...roleBindings({ changed: bumpVersion }),
      ...policies({ changed: bumpVersion, check: async (source) => await engine.check(source) }),
    ];
    const logged: string[] = [];
    const keep = (message: string, fields?: object) => void logged.push(JSON.stringify({ message, ...fields }));
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
    const database = await startTestDatabase([kernelSlice, policySlice]);
    const outbound = createOutbound({
      proxy: { noProxy: [] },
      allowHosts: ['127.0.0.1'],
      userAgent: 'dais/test',
      fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    });
    const keys = openEnvKeys(`a:${randomBytes(32).toString('base64')}`);
    const sealer = {
      seal: async (plaintext: Buffer, context: string) => await seal(keys, plaintext, context),
      open: async (sealed: Parameters<typeof open>[1], context: string) => await open(keys, sealed, context),
    };
    const sessions = new Sessions({ idleMs: 1_800_000, absoluteMs: 43_200_000 }, randomBytes);
    const registry = new KindRegistry(kinds);
    const common = { database: database.database, kinds: registry, sessions, random: randomBytes };
    const samlProviders = saml.map((one) => one(url));
    const elsewhere = openFederatedSignIn({
      ...common,
      sealer,
      clock: systemClock,
      log,
      settings: { mode: 'accounts' },
      url,
      deviceTokenMs: 3_600_000,
      outbound,
      providers: settings,
      samlProviders,
    });
    const identity = identityEntries({
      ...common,
      hasher: new PasswordHasher(),
      settings: { mode: 'accounts', passwords: true, tokenDays: 90, maxTokenDays: 366 },
      url,
      operations: () => kernel.dispatcher.operations,
      providers: [
        ...settings.map(({ name }) => ({ name, protocol: 'oidc' as const, title: name })),
        ...samlProviders.map(({ name }) => ({ name, protocol: 'saml' as const, title: name })),
      ],
    });
    const provisioning = provisioningEntries({ kinds: registry, allowedDomains: () => ['example.com'] });
    const kernel: Kernel = new Kernel({
      database: database.database,
      kinds,
      authorizer: new CedarAuthorizer({ database: database.database, clock: systemClock, log, engine }),
      entries: [...identity, ...provisioning, ...elsewhere.entries],
      jobs: elsewhere.jobs,
      wrapEntry: checkOutputs,
      holder: randomUUID(),
      random: Math.random,
      clock: systemClock,
      log,
      server: () => ({
        version: '0.1.0',
        mode: 'accounts',
        database: { engine: 'embedded', version: '17' },
        startedAt: new Date(0).toISOString(),
      }),
    });
    await kernel.bootstrap();
    await kernel.start({ controller: true });
    const calls = kernel.dispatcher;
    const server = await HttpServer.open({
      doors: [
        nativeRoutes({ calls, clock: systemClock, log }),
        authRoutes({ calls, clock: systemClock, behindHttps: false }),
      ],
      access: new AccountAccess({
        hosts: [],
        origins: [],
        database: database.database,
        sessions,
        token: OWNER_TOKEN,
        behindHttps: false,
        clock: systemClock,
        log,
      }),
      browserPrompt: false,
      clock: systemClock,
      log,
      limits: TEST_LIMITS,
      publicUrl: undefined,
      trustedProxies: [],
      tls: undefined,
      finished: (request) => keep('request', request),
    });
    await server.listen('127.0.0.1', port);
    return new SignInWorld({
      url,
      database,
      outbound,
      providers,
      kernel,
      server,
      settings,
      saml: samlProviders,
      sealer,
      logged,
    });
  }

  provider(name: string): TestProvider {
    const provider = this.providers.get(name);
    if (provider === undefined) throw new Error(`no provider ${name}`);
    return provider;
  }

  /** Calls an operation as the owner. */
  async call<Output = Resource>(name: string, input: unknown): Promise<Output> {
    return (await this.#kernel.dispatcher.call(name, input, {
      principal: OWNER,
      requestId: randomUUID(),
      origin: 'manifest',
      projects: [],
      signal: new AbortController().signal,
    })) as Output;
  }

  async create(kind: string, name: string, spec: object): Promise<Resource> {
    const manifest = { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
    return await this.call(`${kind.charAt(0).toLowerCase()}${kind.slice(1)}.create`, { manifest });
  }

  /** Events of the organization in the table, oldest first. */
  async events(type: string): Promise<Event['data'][]> {
    const rows = await this.database.asAdmin(`select data from kernel.event where type = '${type}' order by id`);
    return rows.map((row) => row['data'] as Event['data']);
  }

  /** Sends a request with a token. */
  async api(path: string, token: string, body?: unknown): Promise<Response> {
    return await fetch(`${this.url}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  }

  /** Runs the job that checks with providers, once. */
  async checkProviderAccess() {
    const { outbound, database } = this;
    const providers = new Map(
      this.#settings.map((one) => [one.name, new ProviderClient(one, { outbound, clock: systemClock })]),
    );
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: (message) => void this.logged.push(message),
      error: () => {},
    };
    const io: JobIo = {
      signal: new AbortController().signal,
      progress: () => {},
      read: (work) => transact(database.database, { mode: 'read', projectId: ORGANIZATION }, work),
      write: (work) => transact(database.database, { mode: 'write', projectId: ORGANIZATION }, work),
    };
    return await checkProviderAccess({ providers, samlProviders: this.#saml, sealer: this.#sealer, log }, io);
  }

  /** Advances the time for all users of a provider. */
  async passMinutes(minutes: number): Promise<void> {
    await this.database.asAdmin(
      `update policy.identity_link set attempted_at = attempted_at - interval '${minutes} minutes', checked_at = checked_at - interval '${minutes} minutes'`,
    );
  }

  async stop(): Promise<void> {
    await this.#server.drain(1000);
    await this.#kernel.stop();
    await this.database.stop();
    await this.outbound.close();
    for (const provider of this.providers.values()) await provider.stop();
  }
}

/** The URL must be known before the server starts: providers need it for redirects. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
