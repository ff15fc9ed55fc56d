/** Requests to HashiCorp Vault or OpenBao, signed in with a token, an AppRole or the service account of a pod. */
import { readFile } from 'node:fs/promises';
import { AccessTokens, SignInError, type AccessToken } from '#lib/cloud/access-token.ts';
import type { Clock } from '#lib/clock.ts';
import { chainOf } from '#lib/outbound/failure-text.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { KeyHttp, type KeyAnswer } from '../key-http.ts';

export type VaultSignIn =
  | { readonly token: string }
  /** The sink of a Vault Agent, which renews it. */
  | { readonly tokenFile: string }
  | { readonly roleId: string; readonly secretId: string; readonly mount: string }
  | { readonly kubernetesRole: string; readonly jwtFile: string; readonly mount: string };

export interface VaultOptions {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** `https://vault.internal:8200` */
  readonly address: string;
  readonly namespace?: string;
  readonly signIn: VaultSignIn;
  readonly timeoutMs: number;
}

/** A file is read again after this time, because the agent replaces it. */
const FILE_MS = 10 * 60_000;

export class VaultAccess {
  readonly http: KeyHttp;
  readonly service: string;
  readonly #options: VaultOptions;

  constructor(options: VaultOptions) {
    this.#options = options;
    const { outbound, clock, timeoutMs } = options;
    this.service = `Vault at ${this.#address}`;
    this.http = new KeyHttp({
      outbound,
      clock,
      timeoutMs,
      service: this.service,
      tokens: new AccessTokens(
        async () => await this.#signIn(),
        () => clock.now(),
      ),
      authorize: (token) => ({ 'x-vault-token': token, ...this.#headers }),
      // A token that ended and a missing permission have the same status.
      expired: [403],
    });
  }

  url(path: string): string {
    return `${this.#address}/v1/${path}`;
  }

  get #address(): string {
    return this.#options.address.replace(/\/+$/, '');
  }

  get #headers(): Record<string, string> {
    const { namespace } = this.#options;
    return { 'x-vault-request': 'true', ...(namespace !== undefined && { 'x-vault-namespace': namespace }) };
  }

  async #signIn(): Promise<AccessToken> {
    const { signIn, clock } = this.#options;
    if ('token' in signIn) return { token: signIn.token, expiresAt: Number.POSITIVE_INFINITY };
    if ('tokenFile' in signIn) {
      return { token: await readToken(signIn.tokenFile), expiresAt: clock.now() + FILE_MS };
    }
    return 'roleId' in signIn
      ? await this.#login(signIn.mount, { role_id: signIn.roleId, secret_id: signIn.secretId })
      : await this.#login(signIn.mount, { role: signIn.kubernetesRole, jwt: await readToken(signIn.jwtFile) });
  }

  async #login(mount: string, proof: Readonly<Record<string, string>>): Promise<AccessToken> {
    const { outbound, clock, timeoutMs } = this.#options;
    const what = `the sign-in at ${this.service} (auth/${mount})`;
    let answer;
    try {
      answer = await outbound.send({
        url: this.url(`auth/${escapePath(mount)}/login`),
        method: 'POST',
        headers: { ...this.#headers, 'content-type': 'application/json' },
        body: JSON.stringify(proof),
        timeouts: { totalMs: timeoutMs, headersMs: timeoutMs, idleMs: timeoutMs },
        trusted: true,
      });
    } catch (error) {
      if (outbound.errorCodeOf(error) === undefined) throw error;
      throw new SignInError(`${what} did not respond: ${chainOf(error)[0]?.message ?? 'unknown'}`);
    }
    const { auth } = parse(answer.body) as { auth?: { client_token?: unknown; lease_duration?: unknown } };
    const token = auth?.client_token;
    if (answer.status !== 200 || typeof token !== 'string') {
      throw new SignInError(`${what} was rejected with ${answer.status}: check the role and its credentials`);
    }
    const seconds = Number(auth?.lease_duration ?? 0);
    return { token, expiresAt: seconds > 0 ? clock.now() + seconds * 1000 : Number.POSITIVE_INFINITY };
  }
}

/** The texts of the errors of a response: for decisions only, never for messages. */
export function vaultErrors({ body }: KeyAnswer): string {
  const { errors } = body;
  return Array.isArray(errors) ? errors.filter((one) => typeof one === 'string').join('; ') : '';
}

/** A mount or a path: slashes separate. */
export function escapePath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map(encodeURIComponent)
    .join('/');
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new SignInError(
      `the token file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}

function parse(bytes: Buffer): object {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
