/** Downloads over HTTPS with the proxy and the certificates that the other tools of this machine use. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { environment } from './environment.mjs';

/**
 * @typedef {object} Download
 * @property {string} url
 * @property {string} sha256 lower-case hex; the file appears only when its bytes have this digest
 * @property {number} bytes the expected size, for progress
 * @property {string} path where the file goes
 * @property {(done: number, total: number) => void} [progress]
 */

/**
 * Downloads a file of known digest: written to a temporary file, verified, renamed.
 * @param {Download} download
 */
export async function downloadFile({ url, sha256, bytes, path, progress }) {
  const partial = `${path}.partial`;
  const response = await get(url, '*/*');
  const file = await open(partial, 'w');
  try {
    const hash = createHash('sha256');
    let done = 0;
    for await (const chunk of response.body) {
      hash.update(chunk);
      await file.write(chunk);
      done += chunk.length;
      progress?.(done, bytes);
    }
    await file.sync();
    const digest = hash.digest('hex');
    if (digest !== sha256) {
      throw new Error(`${url} has SHA-256 ${digest} (${done} bytes), but ${sha256} (${bytes} bytes) is pinned`);
    }
    await rename(partial, path);
  } finally {
    await file.close();
    await rm(partial, { force: true });
  }
}

/**
 * The text at an address, with the content type of the answer.
 * @param {string} url
 * @param {string} accept
 */
export async function downloadText(url, accept) {
  const response = await get(url, accept);
  return { type: String(response.headers['content-type'] ?? ''), text: await response.body.text() };
}

/**
 * @param {string} url
 * @param {string} accept
 */
async function get(url, accept) {
  // Loaded late: this module is imported before `npm ci` has run, and used only after it.
  const { EnvHttpProxyAgent, interceptors, request } = await import('undici');
  const ca = certificates();
  const agent = new EnvHttpProxyAgent({
    requestTls: { ca },
    connect: { ca },
    // An empty variable is none, as for curl and pip; the agent itself would take it for an address.
    httpProxy: environment.http_proxy || environment.HTTP_PROXY || '',
    httpsProxy: environment.https_proxy || environment.HTTPS_PROXY || '',
    noProxy: environment.no_proxy || environment.NO_PROXY || '',
  }).compose(
    interceptors.retry({ maxRetries: 3, minTimeout: 500, maxTimeout: 5000 }),
    interceptors.redirect({ maxRedirections: 5 }),
  );
  const target = new URL(url);
  /** @type {Record<string, string>} */
  const headers = { accept, 'user-agent': 'dais-tools' };
  if (target.username) {
    const user = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`;
    headers['authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
    target.username = '';
    target.password = '';
  }
  try {
    const response = await request(target, { dispatcher: agent, headers, headersTimeout: 60_000, bodyTimeout: 60_000 });
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new Error(`HTTP ${response.statusCode}`);
    }
    return response;
  } catch (error) {
    throw new Error(`GET ${target.href} failed: ${reason(error)}`, { cause: error });
  }
}

/** Node's own roots and those that the machine's administrator added for other tools (a proxy that reads TLS). */
function certificates() {
  const bundles = [environment.SSL_CERT_FILE, environment.PIP_CERT, environment.NODE_EXTRA_CA_CERTS];
  const files = [...new Set(bundles)].filter((file) => file !== undefined && existsSync(file));
  return [...rootCertificates, ...files.map((file) => readFileSync(file ?? '', 'utf8'))];
}

/** @param {unknown} error */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  return `${code}${error.message}` || error.name;
}
