/** Accounts as people, programs and attackers meet them: a real server, a real database, real HTTP. */
import { OWNER_TOKEN, startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';

export const asOwner = { authorization: `Bearer ${OWNER_TOKEN}` };
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
export const PASSWORD = 'gravel-orbit-mango-7';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests inspect responses of every shape
  readonly body: any;
  readonly cookie: string | undefined;
}

interface Sent {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Person {
  readonly name: string;
  /** Of their session. */
  readonly cookie: string;
}

export function manifest(kind: string, name: string, spec: object): object {
  return { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
}

function mustBe({ status, body }: Answer, expected: number): void {
  if (status !== expected) throw new Error(`${status} instead of ${expected}: ${JSON.stringify(body)}`);
}

export class AccountWorld {
  readonly fixture: HttpFixture;
  #people = 0;

  private constructor(fixture: HttpFixture) {
    this.fixture = fixture;
  }

  static async start(): Promise<AccountWorld> {
    return new AccountWorld(await startHttpFixture({ accounts: {} }));
  }

  async stop(): Promise<void> {
    await this.fixture.stop();
  }

  async send(path: string, { method, body, headers = {} }: Sent = {}): Promise<Answer> {
    const response = await fetch(`${this.fixture.url}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      redirect: 'manual',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const set = response.headers.getSetCookie().find((one) => one.startsWith('dais_sid='));
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
      cookie: set?.split(';')[0],
    };
  }

  /** What a page of this server sends. */
  own(): { readonly origin: string } {
    return { origin: this.fixture.url };
  }

  /** A user who accepted an invitation. */
  async person(): Promise<Person> {
    this.#people += 1;
    const name = `person${this.#people}@example.com`;
    const invited = await this.send('/api/v1/invitations', { headers: asOwner, body: { email: name } });
    mustBe(invited, 201);
    const secret = String(invited.body.link).split('#')[1];
    const accepted = await this.send('/auth/invitation/accept', { body: { secret, password: PASSWORD } });
    mustBe(accepted, 200);
    return { name, cookie: accepted.cookie ?? '' };
  }

  async login(name: string, password: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.send('/auth/login', { body: { name, password }, headers });
  }

  async suspend(name: string): Promise<void> {
    const body = manifest('User', name, { email: name, suspended: true });
    mustBe(await this.send(`/api/v1/users/${name}`, { method: 'PUT', body, headers: asOwner }), 200);
  }

  async tokenOf(cookie: string, wish: object = {}): Promise<{ readonly id: string; readonly token: string }> {
    const headers = { cookie, ...this.own() };
    const made = await this.send('/api/v1/tokens', { body: { title: 'test', ...wish }, headers });
    mustBe(made, 201);
    return made.body;
  }

  /** The principal of a request, or the reason why there is none. */
  async whoIs(headers: Readonly<Record<string, string>>): Promise<string> {
    const { status, body } = await this.send('/auth/session', { headers });
    return status === 200 ? (body.actor?.id ?? 'nobody') : body.code;
  }

  /** The response of a route that requires authentication. */
  async codeFor(headers: Readonly<Record<string, string>>): Promise<string> {
    const { status, body } = await this.send('/api/v1/tokens', { headers });
    return status === 200 ? 'ok' : body.code;
  }

  /** Invalidates all caches after direct changes of rows. */
  async change(sql: string): Promise<void> {
    await this.fixture.database.asAdmin(`${sql}; update policy.state set version = version + 1`);
  }
}
