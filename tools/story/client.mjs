/** The clients of the demo: HTTP, and the command line that a reader has. */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, runCommand } from '../command.mjs';
import { environment } from '../environment.mjs';

/** How long unanswered requests are retried: Dais can be restarted at any moment. */
const AWAY_SECONDS = 120;
const POLL_MS = 300;
/** What answers with a secret, which is kept for no second answer, takes no key. */
const REPORTED_ONCE = /\/(tokens|invitations)(\/|$)/;

const main = join(root, 'packages', 'cli', 'dist', 'main.js');

/** An error of Dais with its problem document. */
export class Refused extends Error {
  /** @param {{ code?: string, detail?: string, title?: string, status: number }} problem */
  constructor({ code, detail, title, status }) {
    super(`${code ?? status}: ${detail ?? title ?? 'refused'}`);
    this.code = code ?? '';
    this.detail = detail ?? '';
    this.status = status;
  }
}

/**
 * @typedef {object} Client one account, at one Dais
 * @property {(method: string, path: string, body?: unknown) => Promise<any>} call throws {@link Refused}
 * @property {(args: readonly string[], options?: { cwd?: string, onOutput?: (chunk: string) => void }) => Promise<string>} dais
 * @property {Readonly<Record<string, string>>} variables for programs that act as this account
 * @property {string} token
 */

/**
 * @param {string} url
 * @param {string} token
 * @returns {Client}
 */
export function client(url, token) {
  const variables = {
    DAIS_URL: url,
    DAIS_TOKEN: token,
    DAIS_PROJECT: 'default',
    DAIS_RETRY_SECONDS: String(AWAY_SECONDS),
    NO_COLOR: '1',
  };
  return {
    token,
    variables,
    call: async (method, path, body) => await call(url, token, method, path, body),
    dais: async (args, { cwd, onOutput } = {}) => {
      const { code, output } = await runCommand(process.execPath, [main, ...args], {
        quiet: true,
        env: variables,
        ...(cwd && { cwd }),
        ...(onOutput && { onOutput }),
      });
      if (code !== 0) throw new Error(`dais ${args.join(' ')} ended with ${code}:\n${output.trim()}`);
      return output;
    },
  };
}

/**
 * A write that is retried with the same key is performed once.
 * @param {string} url
 * @param {string} token
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 */
async function call(url, token, method, path, body) {
  const key = randomUUID();
  return await whileAway(async () => await callOnce(url, token, { method, path, body, key }));
}

/**
 * Retries while the server does not respond.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function whileAway(work) {
  const deadline = performance.now() + AWAY_SECONDS * 1000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error) || performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/**
 * There was no response, or a temporary error. `fetch` throws a TypeError without a response.
 * @param {unknown} error
 */
function isAway(error) {
  if (error instanceof Refused) return [502, 503, 504].includes(error.status);
  return error instanceof TypeError && /fetch failed|terminated/.test(error.message);
}

/**
 * @param {string} url
 * @param {string} token
 * @param {{ method: string, path: string, body: unknown, key: string }} request
 */
async function callOnce(url, token, { method, path, body, key }) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(method !== 'GET' && !REPORTED_ONCE.test(path) && { 'idempotency-key': key }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const value = text === '' ? {} : JSON.parse(text);
  if (!answer.ok) throw new Refused({ ...value, status: answer.status });
  return value;
}

/**
 * A PATH on which `dais` is the one of this clone.
 * @param {string} folder
 */
export function pathWithDais(folder) {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'dais');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  chmodSync(program, 0o755);
  return [folder, environment.PATH ?? ''].join(delimiter);
}

/**
 * Applies a manifest that differs from the one of the example.
 * @param {Client} account
 * @param {string} folder
 * @param {string} name
 * @param {string} text
 */
export async function applyText(account, folder, name, text) {
  const file = join(folder, name);
  writeFileSync(file, text);
  await account.dais(['apply', '-f', file]);
}
