/** Reads the files that `-f` names as text. */
import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { DaisError, type Issue } from '@dais/api';

export interface ManifestFile {
  /** Relative to the working folder where it is inside: the name in errors. `-` is standard input. */
  readonly name: string;
  /** Absolute; undefined for standard input. */
  readonly path: string | undefined;
  readonly text: string;
}

export interface ReadOptions {
  readonly workingFolder: string;
  readonly recursive: boolean;
  readonly readStdin: () => Promise<Buffer>;
}

const EXTENSIONS = /\.(ya?ml|json)$/i;
/** Folders without manifests of their own. */
const PASSED_OVER = /^(\.|node_modules$)/;

/**
 * Reads files, folders (their `.yaml`, `.yml` and `.json`, by name) and standard input, each once. @throws DaisError
 * `file_not_found`, `not_utf8`, `invalid_request`: with every file that cannot be read.
 */
export async function readManifestFiles(given: readonly string[], options: ReadOptions): Promise<ManifestFile[]> {
  const issues: Issue[] = [];
  const paths = new Set<string>();
  for (const word of given) {
    if (word === '-') paths.add('-');
    else for (const path of await filesAt(word, options, issues)) paths.add(path);
  }
  if (issues.length > 0) throw new DaisError('file_not_found', issues[0]?.message ?? '', { issues });
  const files: ManifestFile[] = [];
  for (const path of paths) {
    const bytes = path === '-' ? await options.readStdin() : await readFile(path);
    const name = path === '-' ? '-' : displayName(path, options.workingFolder);
    if (isUtf8(bytes)) files.push({ name, path: path === '-' ? undefined : path, text: bytes.toString('utf8') });
    else issues.push({ file: name, ...positionOfProblem(bytes), message: 'invalid UTF-8 from here on' });
  }
  if (issues.length > 0) throw new DaisError('not_utf8', `${issues[0]?.file} is not UTF-8.`, { issues });
  return files;
}

async function filesAt(word: string, options: ReadOptions, issues: Issue[]): Promise<string[]> {
  const path = resolve(options.workingFolder, word);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) {
    issues.push({
      file: word,
      message: found.code === 'ENOENT' ? 'file not found' : `cannot be read (${found.code})`,
    });
    return [];
  }
  if (!found.isDirectory()) return [path];
  const files = await filesInFolder(path, options.recursive);
  if (files.length === 0) {
    const deeper = options.recursive ? [] : await filesInFolder(path, true);
    const hint = deeper.length > 0 ? `; ${deeper.length} are in subfolders: add -R` : '';
    issues.push({ file: word, message: `contains no .yaml, .yml or .json file${hint}` });
  }
  return files;
}

/** Links to files are followed, links to folders are not: they can form a cycle. */
async function filesInFolder(folder: string, recursive: boolean): Promise<string[]> {
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (PASSED_OVER.test(entry.name)) continue;
    if (entry.isDirectory()) {
      if (recursive) files.push(...(await filesInFolder(path, true)));
    } else if (EXTENSIONS.test(entry.name) && (entry.isFile() || (await isFile(path)))) files.push(path);
  }
  return files;
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function displayName(path: string, workingFolder: string): string {
  const near = relative(workingFolder, path);
  return near.startsWith('..') ? path : near;
}

function positionOfProblem(bytes: Buffer): { readonly line: number; readonly column: number } {
  // The lines before the error are complete: the error is in the first line that is not valid UTF-8.
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const piece = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!isUtf8(piece)) return { line, column: validPrefix(piece).length + 1 };
    if (end === -1) return { line, column: 1 };
    start = end + 1;
    line++;
  }
}

function validPrefix(piece: Buffer): string {
  let end = piece.length;
  while (end > 0 && !isUtf8(piece.subarray(0, end))) end--;
  return piece.subarray(0, end).toString('utf8');
}
