/** Credentials of Google Cloud (Application Default Credentials), without its SDK. */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { AccessTokens, SignInError, type AccessToken } from './access-token.ts';
import { requestToken } from './token-request.ts';

export interface GoogleSignIn {
  readonly outbound: Outbound;
  readonly now: () => number;
  /** `GOOGLE_APPLICATION_CREDENTIALS`, `GCE_METADATA_HOST`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Default: `GOOGLE_APPLICATION_CREDENTIALS`, else the metadata service. */
  readonly file?: string;
  readonly scope: string;
}

/** Signs with the key of a service account (RSASSA-PKCS1-v1_5 with SHA-256). */
export interface GoogleSigner {
  readonly email: string;
  sign(text: string): Buffer;
}

export interface GoogleCredentials {
  readonly tokens: AccessTokens;
  /** Only with the key of a service account. */
  readonly signer?: GoogleSigner;
}

const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' } as const;
const JWT_SECONDS = 3600;

/** Reads the credentials file, if there is one; sends nothing. @throws SignInError */
export async function googleCredentials(options: GoogleSignIn): Promise<GoogleCredentials> {
  const file = options.file ?? options.environment['GOOGLE_APPLICATION_CREDENTIALS'];
  if (file === undefined || file === '') return tokensOnly(options, async () => await metadataToken(options));
  const content = await readCredentials(file);
  if (content['type'] === 'service_account') return serviceAccount(options, content, file);
  if (content['type'] === 'external_account') {
    return tokensOnly(options, async () => await federatedToken(options, content, file));
  }
  if (content['type'] === 'authorized_user') {
    return tokensOnly(options, async () => await userToken(options, content, file));
  }
  throw new SignInError(
    `the credentials file ${file} has no supported type: use the key of a service account, or a file for workload identity federation`,
  );
}

function tokensOnly({ now }: GoogleSignIn, fetch: () => Promise<AccessToken>): GoogleCredentials {
  return { tokens: new AccessTokens(fetch, now) };
}

function serviceAccount(options: GoogleSignIn, content: Content, file: string): GoogleCredentials {
  const email = field(content, 'client_email', file);
  const key = privateKey(field(content, 'private_key', file), file);
  const url = optional(content, 'token_uri') ?? TOKEN_URL;
  const keyId = optional(content, 'private_key_id');
  const signer = { email, sign: (text: string) => sign('RSA-SHA256', Buffer.from(text), key) };
  const fetch = async (): Promise<AccessToken> => {
    const issued = Math.floor(options.now() / 1000);
    const claims = { iss: email, scope: options.scope, aud: url, iat: issued, exp: issued + JWT_SECONDS };
    const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) };
    const text = `${base64url(header)}.${base64url(claims)}`;
    return await tokenByForm(options, url, file, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: `${text}.${signer.sign(text).toString('base64url')}`,
    });
  };
  return { ...tokensOnly(options, fetch), signer };
}

async function userToken(options: GoogleSignIn, content: Content, file: string): Promise<AccessToken> {
  return await tokenByForm(options, optional(content, 'token_uri') ?? TOKEN_URL, file, {
    grant_type: 'refresh_token',
    client_id: field(content, 'client_id', file),
    client_secret: field(content, 'client_secret', file),
    refresh_token: field(content, 'refresh_token', file),
  });
}

/** Workload identity federation (RFC 8693), with the token of another provider in a file. */
async function federatedToken(options: GoogleSignIn, content: Content, file: string): Promise<AccessToken> {
  const source = content['credential_source'] as { readonly file?: unknown } | undefined;
  if (typeof source?.file !== 'string') {
    throw new SignInError(`the credentials file ${file} names no token file: create it with --credential-source-file`);
  }
  const subject = (await readText(source.file)).trim();
  const first = await tokenByForm(options, field(content, 'token_url', file), file, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: field(content, 'audience', file),
    scope: options.scope,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: field(content, 'subject_token_type', file),
    subject_token: subject,
  });
  const url = optional(content, 'service_account_impersonation_url');
  if (url === undefined) return first;
  const { outbound, now, scope } = options;
  const request = {
    url,
    method: 'POST',
    headers: { authorization: `Bearer ${first.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: [scope] }),
  };
  const what = 'the impersonation of the service account';
  const remedy = 'Grant roles/iam.workloadIdentityUser on the service account to the identity.';
  return await requestToken({ outbound, now, what, remedy, request });
}

async function tokenByForm(
  { outbound, now }: GoogleSignIn,
  url: string,
  file: string,
  form: Record<string, string>,
): Promise<AccessToken> {
  return await requestToken({
    outbound,
    now,
    what: 'the sign-in at Google',
    remedy: `Check that the credentials in ${file} were not deleted or disabled.`,
    request: { url, method: 'POST', headers: FORM, body: new URLSearchParams(form).toString() },
  });
}

async function metadataToken({ outbound, now, environment, scope }: GoogleSignIn): Promise<AccessToken> {
  const host = environment['GCE_METADATA_HOST'] ?? 'metadata.google.internal';
  const url = new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/token`);
  url.searchParams.set('scopes', scope);
  return await requestToken({
    outbound,
    now,
    what: 'the metadata service of Google Cloud',
    remedy: 'Attach a service account to this machine or pod, or configure a credentials file.',
    // The name exists inside Google Cloud only, so no proxy can reach it.
    request: { url: url.href, headers: { 'metadata-flavor': 'Google' }, direct: true },
  });
}

type Content = Readonly<Record<string, unknown>>;

async function readCredentials(file: string): Promise<Content> {
  const text = await readText(file);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Content;
  } catch {
    // The error would repeat a part of the file.
  }
  throw new SignInError(`the credentials file ${file} is not a JSON object`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new SignInError(`the credentials file ${file} cannot be read (${code})`);
  }
}

function privateKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new SignInError(`private_key in ${file} is not a PEM key`);
  }
}

function field(content: Content, name: string, file: string): string {
  const value = optional(content, name);
  if (value === undefined) throw new SignInError(`${name} is missing in the credentials file ${file}`);
  return value;
}

function optional(content: Content, name: string): string | undefined {
  const value = content[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
