/** For tests: a Dais with one identity provider, and a client with the token of its service account. */
import { readFile } from 'node:fs/promises';
import { startDais, type StartedDais } from '#testing/start-dais.ts';

export interface ScimAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- documents of the protocol, as a client reads them
  readonly body: any;
}

export interface RequestOptions {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

export class ScimWorld {
  readonly dais: StartedDais;
  readonly url: string;
  readonly owner: string;
  readonly token: string;

  private constructor(dais: StartedDais, owner: string, token: string) {
    this.dais = dais;
    this.url = dais.url;
    this.owner = owner;
    this.token = token;
  }

  static async start(flags: Readonly<Record<string, unknown>> = {}): Promise<ScimWorld> {
    const dais = await startDais({
      'authentication.mode': 'accounts',
      'authentication.providers': JSON.stringify([
        {
          name: 'corporate',
          issuer: 'https://id.example.com',
          clientId: 'dais',
          clientSecret: 'a secret of the client',
          allowedDomains: ['example.com'],
        },
      ]),
      ...flags,
    });
    const owner = (await readFile(dais.tokenFile, 'utf8')).trim();
    const started = new ScimWorld(dais, owner, '');
    await started.apply(
      { kind: 'ServiceAccount', name: 'scim-corporate', spec: { provisions: 'corporate' } },
      {
        kind: 'OrganizationRoleBinding',
        name: 'scim',
        spec: { role: 'provisioner', serviceAccounts: ['scim-corporate'] },
      },
    );
    const created = await started.api('POST', '/api/v1/serviceaccounts/scim-corporate/tokens', {
      title: 'SCIM',
      scopes: ['provisioning:*'],
    });
    return new ScimWorld(dais, owner, created.body.token);
  }

  async apply(...resources: readonly { readonly kind: string; readonly name: string; readonly spec: object }[]) {
    const text = resources
      .map(({ kind, name, spec }) => JSON.stringify({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec }))
      .join('\n---\n');
    const answer = await this.api('POST', '/api/v1/apply', { sources: [{ file: '-', text }] });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  }

  /** A request of the owner to the native API. */
  async api(method: string, path: string, body?: unknown, { token = this.owner, headers = {} }: RequestOptions = {}) {
    return await this.#send(method, path, body, { ...headers, authorization: `Bearer ${token}` }, 'application/json');
  }

  /** A request of the provider. */
  async scim(method: string, path: string, body?: unknown, { token = this.token, headers = {} }: RequestOptions = {}) {
    const sent = { ...headers, authorization: `Bearer ${token}` };
    return await this.#send(method, `/scim/v2${path}`, body, sent, 'application/scim+json');
  }

  async createUser(userName: string, more: object = {}): Promise<ScimAnswer> {
    return await this.scim('POST', '/Users', { schemas: [USER], userName, ...more });
  }

  async createGroup(displayName: string, members: readonly string[] = []): Promise<ScimAnswer> {
    const values = members.map((value) => ({ value }));
    return await this.scim('POST', '/Groups', { schemas: [GROUP], displayName, members: values });
  }

  async patch(path: string, Operations: readonly object[], options?: RequestOptions): Promise<ScimAnswer> {
    return await this.scim('PATCH', path, { schemas: [PATCH], Operations }, options);
  }

  async #send(method: string, path: string, body: unknown, headers: Record<string, string>, type: string) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': type }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    } as ScimAnswer;
  }

  /** Events of the organization of one type, oldest first. */
  async events(type: string): Promise<readonly { readonly data: object; readonly subject?: object }[]> {
    const { body } = await this.api('GET', `/api/v1/organization/events?type=${type}&limit=200`);
    return body.items;
  }

  async stop(): Promise<void> {
    await this.dais.stop();
  }
}
