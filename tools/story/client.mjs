/** How the story speaks to Dais: over HTTP, and with the command line that a reader has. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, runCommand } from '../command.mjs';
import { environment } from '../environment.mjs';

const main = join(root, 'packages', 'cli', 'dist', 'main.js');

/** What Dais refused, as its problem document says it. */
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
 * @property {(args: readonly string[], options?: { cwd?: string, heard?: (chunk: string) => void }) => Promise<string>} dais
 * @property {Readonly<Record<string, string>>} variables for programs that act as this account
 * @property {string} token
 */

/**
 * @param {string} url
 * @param {string} token
 * @returns {Client}
 */
export function client(url, token) {
  const variables = { DAIS_URL: url, DAIS_TOKEN: token, DAIS_PROJECT: 'default', NO_COLOR: '1' };
  return {
    token,
    variables,
    call: async (method, path, body) => await call(url, token, method, path, body),
    dais: async (args, { cwd, heard } = {}) => {
      const { code, output } = await runCommand(process.execPath, [main, ...args], {
        quiet: true,
        env: variables,
        ...(cwd && { cwd }),
        ...(heard && { heard }),
      });
      if (code !== 0) throw new Error(`dais ${args.join(' ')} ended with ${code}:\n${output.trim()}`);
      return output;
    },
  };
}

/**
 * @param {string} url
 * @param {string} token
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 */
async function call(url, token, method, path, body) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
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
