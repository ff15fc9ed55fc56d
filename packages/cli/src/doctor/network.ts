/** `--network`: every host that Dais and its tools call, with timing. */
import { connect } from 'node:net';
import type { Fetch } from '@dais/api';
import { proxiedFetch } from '#connection/proxies.ts';
import { errorCode } from '#doctor/error-code.ts';
import { ok, problem, skipped, type Finding } from '#doctor/finding.ts';
import { runProgram, type ProgramOptions } from '#processes.ts';

const PATIENCE_MS = 10_000;

/** A host with the purpose of calls to it. */
export interface NetworkTarget {
  readonly name: string;
  readonly url: string;
  /** How to configure another host. */
  readonly change: string;
}

/** Package registries of this machine, from the settings of its tools. */
export async function packageTargets(variables: ProgramOptions['variables']): Promise<NetworkTarget[]> {
  const [npm, pip] = await Promise.all([
    runProgram('npm', ['config', 'get', 'registry'], { variables }),
    runProgram('python3', ['-m', 'pip', 'config', 'get', 'global.index-url'], { variables }),
  ]);
  const registry = npm.code === 0 && npm.stdout.trim() !== '' ? npm.stdout.trim() : 'https://registry.npmjs.org/';
  const index =
    variables['UV_DEFAULT_INDEX'] ??
    variables['UV_INDEX_URL'] ??
    variables['PIP_INDEX_URL'] ??
    (pip.code === 0 && pip.stdout.trim() !== '' ? pip.stdout.trim() : 'https://pypi.org/simple/');
  return [
    { name: 'npm registry', url: registry, change: 'npm config set registry URL' },
    { name: 'Python index', url: index, change: 'PIP_INDEX_URL and UV_DEFAULT_INDEX' },
  ];
}

export interface NetworkConfig {
  readonly database: { readonly url?: string | undefined };
  readonly blobs: {
    readonly type: string;
    readonly endpoint?: string | undefined;
    readonly region?: string;
    readonly account?: string;
  };
  readonly keys: {
    readonly type: string;
    readonly address?: string;
    readonly endpoint?: string | undefined;
    readonly region?: string;
    readonly keys?: readonly string[];
  };
  readonly otlp: { readonly endpoint?: string | undefined };
}

/** Hosts that the configuration of a server names. */
export function configTargets(config: NetworkConfig): NetworkTarget[] {
  const { database, otlp } = config;
  const blobs = blobAddress(config.blobs);
  const keys = keyAddress(config.keys);
  return [
    ...(database.url === undefined ? [] : [{ name: 'database', url: database.url, change: 'database.url' }]),
    ...(blobs === undefined ? [] : [{ name: 'blob store', url: blobs, change: 'blobs.endpoint' }]),
    ...(keys === undefined ? [] : [{ name: 'key store', url: keys, change: 'keys' }]),
    ...(otlp.endpoint === undefined ? [] : [{ name: 'traces', url: otlp.endpoint, change: 'otlp.endpoint' }]),
  ];
}

function blobAddress({ type, endpoint, region, account }: NetworkConfig['blobs']): string | undefined {
  const defaults: Readonly<Record<string, string>> = {
    s3: `https://s3.${region ?? 'us-east-1'}.amazonaws.com`,
    azure: `https://${account ?? ''}.blob.core.windows.net`,
    gcs: 'https://storage.googleapis.com',
  };
  return type in defaults ? (endpoint ?? defaults[type]) : undefined;
}

function keyAddress({ type, address, endpoint, region, keys }: NetworkConfig['keys']): string | undefined {
  if (type === 'vault' || type === 'vault-kv') return address;
  if (type === 'azure-key-vault') return keys?.[0];
  const defaults: Readonly<Record<string, string>> = {
    kms: `https://kms.${region ?? 'us-east-1'}.amazonaws.com`,
    'google-kms': 'https://cloudkms.googleapis.com',
  };
  return type in defaults ? (endpoint ?? defaults[type]) : undefined;
}

export async function checkTargets(
  targets: readonly NetworkTarget[],
  variables: ProgramOptions['variables'],
  now: () => number,
): Promise<Finding[]> {
  if (targets.length === 0) return [skipped('network', 'no host is configured')];
  return await Promise.all(targets.map((target) => checkTarget(target, variables, now)));
}

async function checkTarget(
  target: NetworkTarget,
  variables: ProgramOptions['variables'],
  now: () => number,
): Promise<Finding> {
  const before = now();
  const address = shownAddress(target.url);
  try {
    const response = await (/^https?:/.test(target.url) ? callHttp(target.url, variables) : connectTcp(target.url));
    return ok(target.name, `${address} ${response} after ${Math.round(now() - before)} ms`);
  } catch (error) {
    return problem(target.name, `${address}: ${reasonOf(error)}`, remedyFor(error, target));
  }
}

/** Any response is a success, also an error: the host is reachable and speaks HTTP. */
async function callHttp(url: string, variables: ProgramOptions['variables']): Promise<string> {
  const call: Fetch = (await proxiedFetch(url, variables)) ?? ((to, init) => fetch(to, init));
  const { username, password } = new URL(url);
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const response = await call(withoutUser(url), {
    method: 'HEAD',
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(username !== '' && { headers: { authorization: `Basic ${credentials}` } }),
  });
  return `responds (${response.status})`;
}

/** `fetch` rejects URLs with a user. */
function withoutUser(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href;
}

async function connectTcp(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  await new Promise<void>((resolve, reject) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || '5432'),
      timeout: PATIENCE_MS,
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    socket.once('error', reject);
  });
  return 'accepts connections';
}

/** Without user, password and query. */
function shownAddress(url: string): string {
  if (!URL.canParse(url)) return 'the address';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${protocol.startsWith('http') ? pathname : ''}`;
}

function reasonOf(error: unknown): string {
  const code = errorCode(error);
  const words: Readonly<Record<string, string>> = {
    ENOTFOUND: 'host name not found',
    EAI_AGAIN: 'no response from the name server',
    ECONNREFUSED: 'connection refused',
    TimeoutError: `no answer within ${PATIENCE_MS / 1000} s`,
    ETIMEDOUT: `no answer within ${PATIENCE_MS / 1000} s`,
  };
  return `${words[code] ?? 'unreachable'} (${code})`;
}

function remedyFor(error: unknown, { change }: NetworkTarget): string {
  const code = errorCode(error);
  if (/CERT|SELF_SIGNED|SIGNATURE/.test(code)) {
    return 'A proxy may replace certificates: put its authority into a PEM file and set NODE_EXTRA_CA_CERTS to it.';
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `Is there a proxy or a mirror? Set HTTPS_PROXY, or name the mirror: ${change}.`;
  return `Check firewall and proxy (HTTPS_PROXY), or name another host: ${change}.`;
}
