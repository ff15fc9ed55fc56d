/**
 * Packs a Python environment of this machine for pods. There its folders are below one folder that is mounted read-only, so paths in links and scripts
 * are rewritten. A folder of the system, such as that of a Python in /usr, is not packed: the image of the task has it.
 */
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, constants } from 'node:zlib';
import { DaisError } from '@dais/api/errors';
import type { TaskEnvironment } from '../contract.ts';
import { errnoOf } from '../file-errors.ts';

export interface PackedEnvironment {
  /** tar, compressed with zstd. */
  readonly bytes: Readable;
  /** Of the files, in blocks of 4 KiB. */
  readonly unpackedBytes: number;
  /** Links to programs of the system, which an archive may not contain. */
  readonly links: readonly SystemLink[];
  /** As in the environment, with the paths in the pod. */
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Folders of shared libraries of interpreters, whose programs contain the path on this machine. */
  readonly libraries: readonly string[];
}

export interface SystemLink {
  /** Relative to the folder of the environment. */
  readonly path: string;
  readonly to: string;
}

/** Where images have the programs of their system. Not /opt: the data folder of Dais or a Python of its own can be there. */
const SYSTEM = /^\/(?:usr|bin|sbin|lib|lib32|lib64|etc)(?:\/|$)/;
const BLOCK_BYTES = 4096;
/** 500 MB take 2 to 4 s of CPU, and become half as large. */
const LEVEL = 3;
/** Scripts that contain the path of their interpreter are small. */
const MAX_SCRIPT_BYTES = 2 ** 20;
const MAX_FILES = 1_000_000;
const SCRIPTS = /(?:^|\/)(?:bin\/[^/]+|pyvenv\.cfg|[^/]+\.pth)$/;

interface Folder {
  readonly source: string;
  /** Name of its folder in the archive. */
  readonly name: string;
}

interface Survey {
  bytes: number;
  files: number;
  readonly links: SystemLink[];
  /** New content of scripts, by their path on this machine. */
  readonly scripts: Map<string, { readonly content: Buffer; readonly target: string; readonly mode: number }>;
  /** New targets of links, by their path in the archive. */
  readonly targets: Map<string, string>;
}

/**
 * `root`: where the archive is unpacked in the pod.
 * @throws DaisError `invalid_request` for an environment that pods cannot have
 */
export async function packEnvironment(environment: TaskEnvironment, root: string): Promise<PackedEnvironment> {
  if (environment.root !== undefined) {
    throw new DaisError(
      'invalid_request',
      'The environment is an image of this machine. Targets pull images themselves.',
    );
  }
  const folders = await packedFolders(environment.folders);
  const survey: Survey = { bytes: 0, files: 0, links: [], scripts: new Map(), targets: new Map() };
  for (const folder of folders) await surveyFolder(folder.source, { folder, folders, root, survey });
  const moved = (text: string) => move(text, folders, root);
  return {
    // Nothing is read before somebody reads the archive: an error without a listener would end the process.
    bytes: Readable.from(archive(folders, survey), { objectMode: false }),
    unpackedBytes: survey.bytes,
    links: survey.links,
    libraries: await librariesOf(folders, root),
    path: environment.path.map(moved),
    variables: Object.fromEntries(Object.entries(environment.variables).map(([name, text]) => [name, moved(text)])),
  };
}

/** @throws DaisError `conflict` when files were removed since the survey, which the tar library omits */
async function* archive(folders: readonly Folder[], survey: Survey): AsyncGenerator<Buffer> {
  const { packTar } = await import('modern-tar/fs');
  const sources = [
    ...folders.map(({ source, name }) => ({ type: 'directory' as const, source, target: name })),
    ...[...survey.scripts.values()].map(({ content, target, mode }) => ({
      type: 'content' as const,
      content,
      target,
      mode,
    })),
  ];
  const left = new Set([...survey.scripts.keys(), ...survey.links.map(({ path }) => sourceOf(path, folders))]);
  let entries = 0;
  const tar = packTar(sources, {
    filter: (path) => !left.has(path),
    map: (header) => {
      entries += 1;
      const linkname = survey.targets.get(header.name.replace(/\/$/, ''));
      const mode = modeIn(header);
      return { ...header, mode, uid: 0, gid: 0, uname: '', gname: '', ...(linkname !== undefined && { linkname }) };
    },
  });
  const compressed = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  const packed = pipeline(tar, compressed);
  // The reader of the compressed bytes gets its error.
  packed.catch(() => {});
  try {
    yield* compressed as AsyncIterable<Buffer>;
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? changed(error) : error;
  }
  if (entries !== folders.length + survey.files - survey.links.length) throw changed();
}

function changed(cause?: unknown): DaisError {
  return new DaisError('conflict', 'The environment changed while it was packed. Run the step again.', { cause });
}

/** Environments are read-only here. In the pod the agent must be able to fill and to empty the folders, and the mount is read-only. */
function modeIn({ type, mode = 0 }: { readonly type?: string; readonly mode?: number }): number {
  return type === 'directory' || (mode & 0o111) !== 0 ? 0o755 : 0o644;
}

async function librariesOf(folders: readonly Folder[], root: string): Promise<readonly string[]> {
  const libraries: string[] = [];
  for (const { source, name } of folders) {
    const names = await readdir(join(source, 'lib')).catch(() => []);
    if (names.some((file) => /^libpython.*\.so/.test(file))) libraries.push(`${root}/${name}/lib`);
  }
  return libraries;
}

/** Those that the image of the task does not have, without links in their paths. */
async function packedFolders(folders: readonly string[]): Promise<readonly Folder[]> {
  const own: Folder[] = [];
  for (const folder of folders) {
    const source = await realpath(folder);
    if (!SYSTEM.test(source)) own.push({ source, name: String(own.length) });
  }
  return own;
}

interface SurveyContext {
  readonly folder: Folder;
  readonly folders: readonly Folder[];
  readonly root: string;
  readonly survey: Survey;
}

async function surveyFolder(path: string, context: SurveyContext): Promise<void> {
  const { folder, survey } = context;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const file = join(path, entry.name);
    survey.files += 1;
    if (survey.files > MAX_FILES) {
      throw new DaisError('invalid_request', `The environment has more than ${MAX_FILES} files. Use an image instead.`);
    }
    if (entry.isDirectory()) {
      survey.bytes += BLOCK_BYTES;
      await surveyFolder(file, context);
    } else if (entry.isSymbolicLink()) await surveyLink(file, context);
    else {
      const { size, mode } = await lstat(file);
      survey.bytes += Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
      const target = `${folder.name}/${relative(folder.source, file)}`;
      if (size > MAX_SCRIPT_BYTES || !SCRIPTS.test(target)) continue;
      const content = rewrite(await readFile(file), context);
      if (content !== undefined) survey.scripts.set(file, { content, target, mode: mode & 0o777 });
    }
  }
}

/** Links become relative, so that the archive contains no link that leads out of it. */
async function surveyLink(file: string, { folder, folders, survey }: SurveyContext): Promise<void> {
  const at = `${folder.name}/${relative(folder.source, file)}`;
  const target = await absoluteTarget(file);
  const inside = placeOf(target, folders);
  if (inside !== undefined) {
    survey.targets.set(at, relative(dirname(at), inside));
    return;
  }
  const real = await realpath(file).catch(() => undefined);
  const place = real === undefined ? undefined : placeOf(real, folders);
  if (place !== undefined) survey.targets.set(at, relative(dirname(at), place));
  else if (real !== undefined && SYSTEM.test(real)) survey.links.push({ path: at, to: real });
  else {
    const what = `${relative(folder.source, file)} of the environment leads to ${real ?? target}`;
    throw new DaisError('invalid_request', `${what}, which pods do not have. Use an image instead.`);
  }
}

async function absoluteTarget(file: string): Promise<string> {
  const target = await readlink(file);
  return target.startsWith('/') ? join(target) : join(dirname(file), target);
}

/** Returns the path in the archive; undefined outside of its folders. */
function placeOf(path: string, folders: readonly Folder[]): string | undefined {
  const folder = folders.find(({ source }) => path === source || path.startsWith(`${source}/`));
  return folder && `${folder.name}${path.slice(folder.source.length)}`;
}

function sourceOf(place: string, folders: readonly Folder[]): string {
  const [name = '', ...rest] = place.split('/');
  return join(folders.find((folder) => folder.name === name)?.source ?? '', ...rest);
}

/** Undefined for content without a path of this machine, and for programs. */
function rewrite(content: Buffer, { folders, root }: SurveyContext): Buffer | undefined {
  if (content.includes(0)) return undefined;
  const text = content.toString('latin1');
  const moved = move(text, folders, root);
  return moved === text ? undefined : Buffer.from(moved, 'latin1');
}

function move(text: string, folders: readonly Folder[], root: string): string {
  // The longest first: one folder can be below another.
  const longest = folders.toSorted((a, b) => b.source.length - a.source.length);
  return longest.reduce((all, { source, name }) => all.replaceAll(source, `${root}/${name}`), text);
}
