/** Credentials from plug-ins of kubectl (`aws`, `gke-gcloud-auth-plugin`, `kubelogin`): their input, run and output. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { run } from '#lib/process.ts';
import { findOnPath, isProgram } from '#lib/system/find-on-path.ts';
import type { ClientCertificate, ExecPlugin } from './cluster-config.ts';
import { isBearerToken } from './bearer-token.ts';
import { isRecord } from './kubernetes-object.ts';

/** Credentials cannot be produced. The message names the source and contains no credential. */
export class CredentialError extends Error {
  readonly isRetryable: boolean;

  constructor(message: string, { isRetryable, cause }: { readonly isRetryable: boolean; readonly cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CredentialError';
    this.isRetryable = isRetryable;
  }
}

/** What a request is sent with. */
export interface Authorization {
  readonly token?: string;
  readonly certificate?: ClientCertificate;
}

export interface ExecCredential {
  readonly authorization: Authorization;
  /** Milliseconds since the epoch. Absent: valid until the API server rejects it. */
  readonly expiresAt?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 256 * 1024;

export interface ExecOptions {
  /** Environment of the plug-in: what the caller passes of its own. */
  readonly environment: Readonly<Record<string, string>>;
  readonly now: number;
  readonly timeoutMs?: number;
}

/** Runs the plug-in once. @throws CredentialError */
export async function runExecPlugin(plugin: ExecPlugin, options: ExecOptions): Promise<ExecCredential> {
  const { environment, timeoutMs = TIMEOUT_MS } = options;
  const program = plugin.command.includes('/')
    ? isProgram(plugin.command) && plugin.command
    : findOnPath(plugin.command, environment['PATH']);
  if (program === undefined || program === false) {
    const remedy = plugin.installHint ?? 'Install it on the machine of Dais.';
    throw new CredentialError(`The credential program \`${plugin.command}\` is not installed. ${remedy}`, {
      isRetryable: false,
    });
  }
  const { code, timedOut, stdout, stderr } = await run(program, plugin.args, {
    env: { ...environment, ...plugin.variables, KUBERNETES_EXEC_INFO: execInfo(plugin) },
    timeoutMs,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    group: true,
  });
  if (timedOut) throw failure(plugin, `did not end within ${timeoutMs / 1000} s`, true);
  if (code !== 0) {
    const line = stderr.split('\n').find((one) => one.trim() !== '') ?? '';
    throw failure(plugin, `ended with code ${code}: ${safeLine(line)}`, true);
  }
  if (stdout.length >= MAX_OUTPUT_BYTES) throw failure(plugin, `returned more than ${MAX_OUTPUT_BYTES} bytes`, false);
  return parseExecCredential(stdout.toString('utf8'), plugin, options.now);
}

/** The value of KUBERNETES_EXEC_INFO. */
export function execInfo({ apiVersion, clusterInfo }: ExecPlugin): string {
  const spec = { interactive: false, ...(clusterInfo !== undefined && { cluster: clusterInfo }) };
  return JSON.stringify({ kind: 'ExecCredential', apiVersion, spec });
}

/** Reads the output of a plug-in. @throws CredentialError */
export function parseExecCredential(
  text: string,
  plugin: Pick<ExecPlugin, 'command' | 'apiVersion'>,
  now: number,
): ExecCredential {
  const object = parseJson(text);
  if (!isRecord(object) || object['kind'] !== 'ExecCredential')
    throw failure(plugin, 'returned no ExecCredential', false);
  if (object['apiVersion'] !== plugin.apiVersion) {
    const other = JSON.stringify(object['apiVersion'] ?? null).slice(0, 100);
    throw failure(plugin, `returned the apiVersion ${other} instead of ${plugin.apiVersion}`, false);
  }
  const status = isRecord(object['status']) ? object['status'] : {};
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
  const certificate = readCertificate(plugin, cert, key);
  const hasToken = typeof token === 'string' && token !== '';
  if (hasToken && !isBearerToken(token)) throw failure(plugin, 'returned a token that a header cannot contain', false);
  if (!hasToken && certificate === undefined)
    throw failure(plugin, 'returned neither a token nor a certificate', false);
  const authorization = { ...(hasToken && { token }), ...(certificate !== undefined && { certificate }) };
  if (expirationTimestamp === undefined || expirationTimestamp === null) return { authorization };
  const expiresAt = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN;
  if (Number.isNaN(expiresAt)) throw failure(plugin, 'returned an expirationTimestamp that is not a time', false);
  if (expiresAt <= now) {
    const time = new Date(expiresAt).toISOString();
    throw failure(plugin, `returned a credential that expired at ${time}; check the clock of this machine`, true);
  }
  return { authorization, expiresAt };
}

function readCertificate(
  plugin: Pick<ExecPlugin, 'command'>,
  cert: unknown,
  key: unknown,
): ClientCertificate | undefined {
  if ((cert ?? '') === '' && (key ?? '') === '') return undefined;
  if (typeof cert !== 'string' || typeof key !== 'string') {
    throw failure(plugin, 'returned a certificate without its key, or a key without its certificate', false);
  }
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch {
    // Without the cause: the error of OpenSSL can contain parts of the key.
  }
  throw failure(plugin, 'returned a certificate and a key that cannot be used together', false);
}

function failure({ command }: Pick<ExecPlugin, 'command'>, problem: string, isRetryable: boolean): CredentialError {
  const remedy = 'Run it on the machine of Dais to see why.';
  return new CredentialError(`The credential program \`${command}\` ${problem}. ${remedy}`, { isRetryable });
}

/** A program can print its token with its error: long words without spaces are removed. */
function safeLine(line: string): string {
  const text = line.replace(/[^\s"'=:,]{40,}/g, '…').replace(/[\x00-\x1f\x7f]/g, ' ');
  return text.trim() === '' ? 'it wrote no error' : text.trim().slice(0, 300).replace(/\.$/, '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
