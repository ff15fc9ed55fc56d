/** What somebody who helps needs to see, in one file that may be shown: no value of a secret, no token, no password. */
import { writeFile } from 'node:fs/promises';
import { arch, platform, release } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { DaisError } from '@dais/api';
import type { ServerChoice } from '#connection/connect.ts';
import type { Finding } from '#doctor/finding.ts';
import { ownVersion } from '#version.ts';

const PATIENCE_MS = 5000;

export interface BundleParts {
  readonly findings: readonly Finding[];
  /** With secrets replaced; undefined when it could not be read. */
  readonly config: unknown;
  readonly choice: ServerChoice;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Writes gzipped JSON that only its owner can read; gives its size in bytes. @throws DaisError `already_exists`. */
export async function writeSupportBundle(file: string, parts: BundleParts): Promise<number> {
  const ask = (path: string) => answerOf(parts.choice, path);
  const [server, readiness, metrics] = await Promise.all([ask('/api/v1/server'), ask('/readyz'), ask('/metrics')]);
  const bundle = {
    madeAt: new Date(parts.now).toISOString(),
    dais: ownVersion(),
    node: process.version,
    machine: { platform: platform(), release: release(), arch: arch() },
    findings: parts.findings,
    config: parts.config,
    server: { from: parts.choice.from, server, readiness, metrics },
  };
  const bytes = await promisify(gzip)(JSON.stringify(bundle, null, 2));
  await writeFile(file, bytes, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new DaisError('already_exists', `${file} is there already.`);
  });
  return bytes.length;
}

/** What a server says at an address, or why it does not. */
async function answerOf(choice: ServerChoice, path: string): Promise<unknown> {
  try {
    const response = await fetch(`${choice.url.replace(/\/+$/, '')}${path}`, {
      headers: choice.token === undefined ? {} : { authorization: `Bearer ${choice.token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: json ? (JSON.parse(text) as unknown) : text };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : 'no answer' };
  }
}
