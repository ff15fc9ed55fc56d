/** A real OpenID Connect provider on loopback, with users that a test changes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

export interface TestPerson {
  email: string;
  emailVerified: boolean;
  groups: string[];
  amr: string[];
  /** The provider no longer has a user with this name. */
  disabled: boolean;
}

export interface ProviderOptions {
  /** Where the provider may send browsers back to: the server's address. */
  readonly serverUrl: string;
  readonly clientSecret: string;
  /** Whether sign-ins come with a refresh token. Default: yes. */
  readonly refreshTokens?: boolean;
  /** Name of the provider at the server. */
  readonly name: string;
}

export class TestProvider {
  readonly issuer: string;
  readonly people = new Map<string, TestPerson>();
  /** The user of the browser. */
  signsIn = '';
  /** Requests of the Dais server, by path. */
  readonly calls: string[] = [];
  readonly #server: ReturnType<typeof createServer>;
  readonly #sockets = new Set<Socket>();
  readonly #key: CryptoKey;
  #provider: Provider | undefined;
  /** Answers nothing but 503. */
  isDown = false;
  /** A path that is answered with 503. */
  broken: string | undefined;

  private constructor(server: ReturnType<typeof createServer>, issuer: string, key: CryptoKey) {
    this.#server = server;
    this.issuer = issuer;
    this.#key = key;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(options: ProviderOptions): Promise<TestProvider> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new TestProvider(server, issuer, privateKey);
    await provider.#open(options);
    return provider;
  }

  add(name: string, person: Partial<TestPerson> = {}): TestPerson {
    const added = {
      email: `${name}@example.com`,
      emailVerified: true,
      groups: [],
      amr: ['pwd'],
      disabled: false,
      ...person,
    };
    this.people.set(name, added);
    return added;
  }

  /** A token signed with the key of the provider, with claims of the test. */
  async sign(claims: JWTPayload, header: { alg: string; typ?: string } = { alg: 'RS256' }): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({ iss: this.issuer, iat: now, exp: now + 120, ...claims })
      .setProtectedHeader({ kid: 'test', ...header })
      .sign(this.#key);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #open({ serverUrl, clientSecret, refreshTokens = true, name }: ProviderOptions): Promise<void> {
    const jwk = { ...(await exportJWK(this.#key)), kid: 'test', use: 'sig', alg: 'RS256' };
    const configuration: Configuration = {
      clients: [
        {
          client_id: 'dais',
          client_secret: clientSecret,
          redirect_uris: [`${serverUrl}/auth/oidc/${name}/callback`],
          post_logout_redirect_uris: [`${serverUrl}/`],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
        },
      ],
      jwks: { keys: [jwk] },
      cookies: { keys: ['test'] },
      scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
      claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], groups: ['groups'] },
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
      pkce: { required: () => true },
      issueRefreshToken: () => refreshTokens,
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_context, id) => {
        const person = this.people.get(id);
        if (person === undefined || person.disabled) return undefined;
        const { email, emailVerified, groups } = person;
        return { accountId: id, claims: () => ({ sub: id, email, email_verified: emailVerified, groups }) };
      },
      loadExistingGrant: async (context) => {
        const { client, session } = context.oidc;
        if (client === undefined || session?.accountId === undefined) return undefined;
        const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
        grant.addOIDCScope('openid email profile groups offline_access');
        await grant.save();
        return grant;
      },
      ttl: {
        AccessToken: 600,
        AuthorizationCode: 60,
        Grant: 3600,
        IdToken: 600,
        Interaction: 600,
        RefreshToken: 3600,
        Session: 3600,
      },
    };
    const provider = new Provider(this.issuer, configuration);
    this.#provider = provider;
    const answer = provider.callback();
    this.#server.on('request', (request, response) => {
      this.calls.push((request.url ?? '').replace(/\?.*$/, ''));
      if (this.isDown || this.calls.at(-1) === this.broken) response.writeHead(503).end();
      else if (request.url?.startsWith('/interaction/') === true) void this.#letIn(request, response);
      else void answer(request, response);
    });
  }

  /** Replaces the sign-in form: the test selects the user. */
  async #letIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const amr = this.people.get(this.signsIn)?.amr ?? [];
    const result =
      this.signsIn === ''
        ? { error: 'access_denied', error_description: 'nobody typed a password' }
        : { login: { accountId: this.signsIn, amr } };
    await this.#provider?.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
}
