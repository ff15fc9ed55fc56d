/** Calls every API of a Dais as any principal, and as its owner. */
import { randomBytes } from 'node:crypto';
import { kinds, platformOperations, resourceOperations, type Operation } from '@dais/api';
import type { Request } from './operation-recipes.ts';

export const operations: readonly Operation[] = [...platformOperations, ...kinds.flatMap(resourceOperations)];

/** @throws Error for one that is not there. */
export function operationNamed(expected: string): Operation {
  const found = operations.find(({ name }) => name === expected);
  if (found === undefined) throw new Error(`no operation ${expected}`);
  return found;
}

export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: Record<string, unknown>;
}

export const resource = (kind: string, named: string, spec: object) => ({
  apiVersion: 'dais.dev/v1',
  kind,
  metadata: { name: named },
  spec,
});

export class MatrixCaller {
  readonly url: string;
  readonly owner: string;
  /** Ids of objects that are created in every project, by project and recipe name. */
  readonly ids = new Map<string, string>();
  readonly #salt = randomBytes(12).toString('hex');

  constructor(url: string, owner: string) {
    this.url = url;
    this.owner = owner;
  }

  async send(token: string | undefined, operation: Operation, request: Request, project?: string): Promise<Answer> {
    const path = Object.entries(request.path ?? {}).reduce<string>(
      (text, [key, value]) =>
        text.replace(`:${key}`, encodeURIComponent(this.ids.get(`${project ?? 'own'}/${value}`) ?? value)),
      operation.http.path,
    );
    const prefix = project === undefined || path.startsWith('/auth/') ? '' : `/p/${project}`;
    const query = new URLSearchParams({ ...request.query, ...(operation.mode === 'watch' && { watch: 'true' }) });
    const stop = new AbortController();
    const response = await fetch(`${this.url}${prefix}${path}?${query.toString()}`, {
      method: operation.http.method,
      headers: {
        accept: '*/*',
        ...(token !== undefined &&
          (token.includes('=') ? { cookie: token, origin: this.url } : { authorization: `Bearer ${token}` })),
        ...(request.body !== undefined && { 'content-type': 'application/json' }),
        ...(request.ifMatch !== undefined && { 'if-match': request.ifMatch }),
      },
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
      redirect: 'manual',
      signal: stop.signal,
    });
    const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    const text = streams ? '' : await response.text();
    if (streams) stop.abort();
    const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
    return { status: response.status, code: body['code'] as string | undefined, body };
  }

  async asOwner(operationName: string, request: Request, project?: string): Promise<Record<string, unknown>> {
    const { status, body } = await this.send(this.owner, operationNamed(operationName), request, project);
    if (status >= 300) throw new Error(`${operationName}: ${JSON.stringify(body)}`);
    return body;
  }

  async apply(documents: readonly object[], project?: string): Promise<void> {
    const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
    await this.asOwner('platform.apply', { body: { sources: [{ file: 'matrix.yaml', text }] } }, project);
  }

  async serviceToken(account: string, more: object = {}): Promise<string> {
    const request = { path: { name: account }, body: { title: 'matrix', days: 1, ...more } };
    return (await this.asOwner('serviceToken.create', request))['token'] as string;
  }

  /** Sets the password of a user: the user's name and twenty letters. */
  async invite(user: string): Promise<void> {
    const { link } = (await this.asOwner('password.reset', { path: { name: user }, body: {} })) as { link: string };
    const secret = link.slice(link.indexOf('#') + 1);
    await this.asOwner('invitation.accept', { body: { secret, password: this.#passwordOf(user) } });
  }

  /** The cookie of a new session. */
  async signIn(user: string): Promise<string> {
    const response = await fetch(`${this.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.url },
      body: JSON.stringify({ name: user, password: this.#passwordOf(user) }),
    });
    if (response.status !== 200) throw new Error(`${user} cannot sign in: ${await response.text()}`);
    return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  }

  #passwordOf(user: string): string {
    return `${this.#salt} of the one called ${user.length}`;
  }
}
