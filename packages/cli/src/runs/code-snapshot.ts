/** The code files of the working folder, with their provenance. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { withoutCredentials } from '#manifests/git-provenance.ts';
import { bytesText } from '#output/amounts.ts';
import { runProgram, type ProgramOptions } from '#processes.ts';

export interface SnapshotFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly size: number;
  readonly executable: boolean;
}

export interface CodeSnapshot {
  readonly files: readonly SnapshotFile[];
  readonly bytes: number;
  readonly commit?: string;
  readonly repository?: string;
  readonly dirty?: boolean;
}

/** Code is small; data belongs in datasets. */
const MOST_BYTES = 100 * 1024 * 1024;
const MOST_FILES = 10_000;
const SHOWN = 5;
/** Generated files that are excluded where git does not list the code. */
const NEVER = new Set(['.git', '.hg', '.svn', '__pycache__', '.venv', 'venv', 'node_modules', '.ipynb_checkpoints']);

/**
 * @throws DaisError `too_large` naming the largest files.
 */
export async function takeSnapshot(folder: string, variables: ProgramOptions['variables']): Promise<CodeSnapshot> {
  const git = async (args: readonly string[]) => {
    const done = await runProgram('git', ['-c', 'core.quotePath=false', ...args], {
      cwd: folder,
      variables: { ...variables, GIT_OPTIONAL_LOCKS: '0' },
      timeoutMs: 60_000,
    });
    return done.code === 0 ? done.stdout : undefined;
  };
  const listed = await git(['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  const paths = listed === undefined ? walk(folder, '') : listed.split('\0').filter((path) => path !== '');
  const files: SnapshotFile[] = [];
  for await (const path of paths) {
    const file = await fileAt(folder, path);
    if (file !== undefined) files.push(file);
    if (files.length > MOST_FILES) {
      const detail = `The folder has more than ${MOST_FILES} files. Exclude files with .gitignore, or upload no code with --no-code.`;
      throw new DaisError('too_large', detail);
    }
  }
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > MOST_BYTES) throw tooLarge(files, bytes);
  return { files, bytes, ...(listed !== undefined && (await origin(git))) };
}

async function fileAt(folder: string, path: string): Promise<SnapshotFile | undefined> {
  let stats: Stats;
  try {
    stats = await lstat(join(folder, path));
  } catch {
    // Deleted, but not committed.
    return undefined;
  }
  // A link can lead anywhere, and a submodule is a folder.
  return stats.isFile() ? { path, size: stats.size, executable: (stats.mode & 0o111) !== 0 } : undefined;
}

async function* walk(folder: string, below: string): AsyncIterable<string> {
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !NEVER.has(entry.name)) yield* walk(folder, path);
    else if (entry.isFile()) yield path;
  }
}

function tooLarge(files: readonly SnapshotFile[], bytes: number): DaisError {
  const biggest = files.toSorted((one, other) => other.size - one.size).slice(0, SHOWN);
  const named = biggest.map(({ path, size }) => `${path} (${bytesText(size)})`).join(', ');
  const detail =
    `The code has ${bytesText(bytes)}; the limit is ${bytesText(MOST_BYTES)}. Largest files: ${named}. ` +
    'Exclude files with .gitignore, or upload no code with --no-code.';
  return new DaisError('too_large', detail);
}

async function origin(
  git: (args: readonly string[]) => Promise<string | undefined>,
): Promise<Pick<CodeSnapshot, 'commit' | 'repository' | 'dirty'>> {
  const [commit, status, remote] = await Promise.all([
    git(['rev-parse', '--verify', '--quiet', 'HEAD']),
    git(['status', '--porcelain=v1', '-z', '--', '.']),
    git(['remote', 'get-url', 'origin']),
  ]);
  return {
    ...(commit !== undefined && { commit: commit.trim() }),
    ...(remote !== undefined && { repository: withoutCredentials(remote.trim()) }),
    dirty: commit === undefined || (status ?? '') !== '',
  };
}
