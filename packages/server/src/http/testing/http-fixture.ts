/** For tests of routes: a real kernel on a real database behind a real HTTP server on a free port. */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Slice } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { authRoutes } from '#http/routes/auth-routes.ts';
import type { RouteGroup } from '#http/server/route-group.ts';
import { HttpServer, type FinishedRequest, type HttpServerDependencies } from '#http/server/http-server.ts';
import { nativeRoutes, type OperationCalls } from '#http/routes/native-routes.ts';
import { transferRoutes } from '#http/routes/transfer-routes.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import { Kernel } from '#kernel/kernel.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { project } from '#kinds/project/index.ts';
import { systemClock } from '#lib/clock.ts';
import { checkOutputs } from '#control/check-outputs.ts';
import type { Log, LogFields } from '#lib/log.ts';
import { roleBindings } from '#kinds/role-binding/index.ts';
import { serviceAccount } from '#kinds/service-account/index.ts';
import { team } from '#kinds/team/index.ts';
import { user } from '#kinds/user/index.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { AccountAccess } from '#policy/account-access.ts';
import { CedarAuthorizer } from '#policy/cedar-authorizer.ts';
import { AccountDirectory } from '#policy/identity/directory.ts';
import { claimEmail, endCredentials, forgetUser, findEmailOwner } from '#policy/identity/credentials.ts';
import { identityEntries } from '#policy/identity/identity-entries.ts';
import type { IdentitySettings } from '#policy/identity/identity-dependencies.ts';
import { PasswordHasher } from '#policy/identity/passwords/password-hash.ts';
import { Sessions } from '#policy/identity/sessions/sessions.ts';
import { PolicyEngine } from '#policy/policy-engine.ts';
import { policySlice } from '#policy/slice.ts';
import { soloAuthorizer } from '#policy/solo-authorizer.ts';
import { bumpVersion } from '#policy/state.ts';

export interface HttpFixture {
  readonly url: string;
  readonly port: number;
  readonly server: HttpServer;
  readonly kernel: Kernel;
  readonly database: TestDatabase;
  readonly logged: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[];
  readonly finished: FinishedRequest[];
  /** Sends raw bytes and returns everything until the server closes the connection. */
  raw(request: string | Buffer): Promise<string>;
  stop(): Promise<void>;
}

export interface FixtureOptions {
  /** Callers of the tests; default: one owner. */
  readonly accounts?: Partial<IdentitySettings> & { readonly behindHttps?: boolean };
  readonly kinds?: readonly KindDefinition[];
  /** Slices and entries of ledgers. */
  readonly slices?: readonly Slice[];
  readonly entries?: (database: TestDatabase) => readonly OperationEntry[];
  /** Adapters in addition to the native one. */
  readonly doors?: (calls: OperationCalls) => readonly RouteGroup[];
  readonly server?: Partial<HttpServerDependencies>;
}

export const TEST_LIMITS = {
  bodyBytes: 16 * 1024 * 1024,
  bodySeconds: 60,
  headerSeconds: 15,
  streams: 5000,
  streamBufferBytes: 65_536,
};

export const OWNER_TOKEN = 'dais_own_test';

export async function startHttpFixture(options: FixtureOptions = {}): Promise<HttpFixture> {
  const { accounts } = options;
  const kinds = [...(options.kinds ?? [project]), ...(accounts === undefined ? [] : accountKinds)];
  const slices: readonly Slice[] = [
    kernelSlice,
    ...(accounts === undefined ? [] : [policySlice]),
    ...(options.slices ?? []),
    ...kinds.flatMap((kind) => kind.slice ?? []),
  ];
  const database = await startTestDatabase(slices);
  const sessions = new Sessions(SESSION_LIFE, randomBytes);
  const entries =
    accounts === undefined
      ? []
      : identityEntries({
          database: database.database,
          kinds: new KindRegistry(kinds),
          sessions,
          hasher: new PasswordHasher(),
          random: randomBytes,
          settings: { mode: 'accounts', passwords: true, tokenDays: 90, maxTokenDays: 366, ...accounts },
          url: 'https://dais.example.com',
          operations: () => kernel.dispatcher.operations,
          providers: [],
        });
  const logged: HttpFixture['logged'] = [];
  const finished: FinishedRequest[] = [];
  const kernel: Kernel = new Kernel({
    database: database.database,
    kinds,
    entries: [...entries, ...(options.entries?.(database) ?? [])],
    authorizer:
      accounts === undefined
        ? soloAuthorizer
        : new CedarAuthorizer({
            database: database.database,
            clock: systemClock,
            log: keepingLog(logged),
            engine: new PolicyEngine(() => kinds, new AccountDirectory()),
          }),
    wrapEntry: checkOutputs,
    holder: randomUUID(),
    random: Math.random,
    clock: systemClock,
    log: keepingLog(logged),
    server: () => ({
      version: '0.1.0',
      mode: accounts === undefined ? 'solo' : 'accounts',
      database: { engine: 'embedded', version: '17' },
      startedAt: new Date(0).toISOString(),
    }),
  });
  await kernel.bootstrap();
  await kernel.start({ controller: true });
  const log = keepingLog(logged);
  const gate = { hosts: ['dais.example.com'], origins: ['https://dais.example.com'], token: OWNER_TOKEN };
  const behindHttps = accounts?.behindHttps === true;
  const server = await HttpServer.open({
    doors: [
      nativeRoutes({ calls: kernel.dispatcher, clock: systemClock, log }),
      transferRoutes({ calls: kernel.dispatcher }),
      ...(accounts === undefined ? [] : [authRoutes({ calls: kernel.dispatcher, clock: systemClock, behindHttps })]),
      ...(options.doors?.(kernel.dispatcher) ?? []),
    ],
    access:
      accounts === undefined
        ? new OwnerAccess({ ...gate, ownUid: process.geteuid?.() })
        : new AccountAccess({ ...gate, database: database.database, sessions, behindHttps, clock: systemClock, log }),
    browserPrompt: accounts === undefined,
    clock: systemClock,
    log,
    limits: TEST_LIMITS,
    publicUrl: undefined,
    trustedProxies: [],
    tls: undefined,
    finished: (request) => finished.push(request),
    ...options.server,
  });
  const port = await server.listen('127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    kernel,
    database,
    logged,
    finished,
    raw: (request) => sendRaw(port, request),
    stop: async () => {
      await server.drain(1000);
      await kernel.stop();
      await database.stop();
    },
  };
}

const SESSION_LIFE = { idleMs: 1_800_000, absoluteMs: 43_200_000 };

const accountKinds: readonly KindDefinition[] = [
  user({ changed: bumpVersion, end: endCredentials, claimEmail, findEmailOwner, forget: forgetUser }),
  team({ changed: bumpVersion }),
  serviceAccount({ changed: bumpVersion, end: endCredentials }),
  ...roleBindings({ changed: bumpVersion }),
];

async function sendRaw(port: number, request: string | Buffer): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });
}

function keepingLog(kept: HttpFixture['logged']): Log {
  const keep = (level: string) => (message: string, fields?: LogFields) => void kept.push({ level, message, fields });
  return { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}
