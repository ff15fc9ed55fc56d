/**
 * Where the program `uv` comes from: the operator's, or the pinned wheel, taken once from the wheelhouse or from the package index and
 * known by its digest. It needs neither pip nor Python.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import { DownloadFault, downloadFile } from '#lib/outbound/download.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { withProcessLock } from '#lib/process-lock.ts';
import { run } from '#lib/process.ts';
import { extractZipMember } from '#lib/zip-member.ts';
import type { EnvironmentOptions } from '../contract.ts';
import { fileOnPage, type IndexAddress } from './index-address.ts';
import type { UvRelease, UvWheel } from './uv-release.ts';

export interface UvProgramParts {
  /** Everything of the engine lies below. */
  readonly folder: string;
  /** The operator's own program. */
  readonly uv: string | undefined;
  readonly wheelhouse: string | undefined;
  /** Where the wheel is looked for; undefined when none is known. */
  readonly index: () => Promise<IndexAddress | undefined>;
  readonly outbound: Outbound;
  readonly release: UvRelease;
}

/** Three times what it takes today. */
const MAX_PROGRAM_BYTES = 200 * 2 ** 20;
const PAGE_BYTES = 32 * 2 ** 20;
const REMEDY =
  'set `environments.index` (DAIS_ENVIRONMENTS_INDEX) to a mirror, `outbound.proxy` to a proxy, `environments.wheelhouse` to a folder ' +
  'that holds the wheel, or `environments.uv` to a uv of this machine';

/** @throws DaisError `invalid_config`, `upstream_failed`, `storage_full`; the reason of the signal. */
export async function findUv(parts: UvProgramParts, options: EnvironmentOptions): Promise<string> {
  const { uv, folder, release } = parts;
  if (uv !== undefined) {
    const { code, stderr } = await run(uv, ['--version'], { timeoutMs: 20_000 });
    if (code === 0) return uv;
    throw new DaisError('invalid_config', `environments.uv: ${uv} does not run: ${stderr.trim().slice(0, 500)}`);
  }
  const place = path.join(folder, 'uv', release.version);
  const program = path.join(place, 'uv');
  if (await isFile(program)) return program;
  await mkdir(place, { recursive: true });
  const lock = path.join(folder, 'locks', 'uv');
  await mkdir(path.dirname(lock), { recursive: true });
  return await withProcessLock(
    lock,
    async () => {
      if (!(await isFile(program))) await install(parts, place, program, options);
      return program;
    },
    options,
  );
}

async function install(
  parts: UvProgramParts,
  place: string,
  program: string,
  options: EnvironmentOptions,
): Promise<void> {
  const { version, wheels } = parts.release;
  const platform = `${process.platform}-${process.arch}`;
  const wheel = wheels[platform];
  if (wheel === undefined) {
    throw new DaisError('invalid_config', `There is no uv for ${platform} with Dais: name one in \`environments.uv\`.`);
  }
  const archive = path.join(place, wheel.file);
  await bring(parts, wheel, archive, options);
  const unpacked = `${program}.new`;
  await rm(unpacked, { force: true });
  await extractZipMember(archive, `uv-${version}.data/scripts/uv`, unpacked, MAX_PROGRAM_BYTES);
  await chmod(unpacked, 0o755);
  const { code, stdout, stderr } = await run(unpacked, ['--version'], { timeoutMs: 60_000 });
  if (code !== 0 || !stdout.toString().startsWith(`uv ${version}`)) {
    const said = `${stdout.toString()}${stderr}`.trim().slice(0, 500);
    throw new DaisError('invalid_config', `${wheel.file} does not run on this machine (${said}); ${REMEDY}.`);
  }
  await rename(unpacked, program);
  await rm(archive);
}

/** Puts the wheel, with the digest that it must have, at `archive`. */
async function bring(
  { wheelhouse, index, outbound, release }: UvProgramParts,
  wheel: UvWheel,
  archive: string,
  { signal, progress }: EnvironmentOptions,
): Promise<void> {
  const { version } = release;
  const own = wheelhouse === undefined ? undefined : path.join(wheelhouse, wheel.file);
  if (own !== undefined && (await isFile(own))) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(own), hash);
    const digest = hash.digest('hex');
    if (digest === wheel.sha256) return await copyFile(own, archive);
    throw new DaisError('invalid_config', `${own} has SHA-256 ${digest}, but ${wheel.sha256} is pinned.`);
  }
  const from = await index();
  if (from === undefined) {
    const where = wheelhouse === undefined ? 'no package index is known' : `${wheelhouse} does not hold ${wheel.file}`;
    throw new DaisError('invalid_config', `uv ${version} is needed to make environments, and ${where}: ${REMEDY}.`);
  }
  const { url, credentials } = from;
  const headers = credentials === undefined ? {} : { authorization: basic(credentials) };
  const total = `${Math.round(wheel.bytes / 1e6)} MB`;
  try {
    const page = `${url}/uv/`;
    const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
    const answer = await outbound.send({
      url: page,
      headers: { ...headers, accept },
      redirects: 5,
      trusted: true,
      maxBytes: PAGE_BYTES,
      ...(signal !== undefined && { signal }),
    });
    if (answer.status !== 200) throw new DownloadFault(`${page} answers with status ${answer.status}`);
    const file = fileOnPage(page, answer.headers['content-type'] ?? '', answer.body.toString('utf8'), wheel.file);
    if (file === undefined) throw new DownloadFault(`${page} does not list ${wheel.file}`);
    await downloadFile(outbound, {
      url: file,
      headers: new URL(file).origin === new URL(url).origin ? headers : {},
      sha256: wheel.sha256,
      bytes: wheel.bytes,
      path: archive,
      progress: (done) => progress?.({ note: `downloading uv ${version} (${Math.round(done / 1e6)} of ${total})` }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (errnoOf(error) === 'ENOSPC')
      throw new DaisError('storage_full', `The disk of ${archive} is full.`, { cause: error });
    const why = error instanceof Error ? error.message : String(error);
    throw new DaisError(
      'upstream_failed',
      `uv ${version}, which makes environments, could not be fetched: ${why}; ${REMEDY}.`,
      {
        cause: error,
      },
    );
  }
}

function basic({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() === true;
}
