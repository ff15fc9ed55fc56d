/** Writes the files of a scaffold, edits the lists that name them, and generates the reference. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCommand } from '../command.mjs';

export interface Scaffold {
  /** New files by path from the root of the repository; none may exist. */
  readonly files: Readonly<Record<string, string>>;
  /** Edits of hand-written files, by path. */
  readonly edits: Readonly<Record<string, (text: string) => string>>;
  /** Remaining steps for the author. */
  readonly next: readonly string[];
}

const SLICE = /^packages\/server\/src\/(?:(?:ledgers|kinds|protocols|engines)\/[^/]+|[^/.]+)/;

/** Returns the folders of hand-written files that a scaffold touches: a slice, a folder of the server, or a whole package. */
export function touchedFolders({ files, edits }: Scaffold): readonly string[] {
  const folders = [...Object.keys(files), ...Object.keys(edits)].map(
    (path) => SLICE.exec(path)?.[0] ?? /^packages\/[^/]+\/src/.exec(path)?.[0] ?? dirname(path),
  );
  return [...new Set(folders)].toSorted();
}

/**
 * Writes all files or none.
 * @throws Error when a file exists or a list cannot be found
 */
export async function writeScaffold(root: string, scaffold: Scaffold): Promise<string> {
  const existing = Object.keys(scaffold.files).filter((path) => existsSync(join(root, path)));
  if (existing.length > 0)
    throw new Error(`These files exist: ${existing.join(', ')}. Choose another name, or delete them.`);
  const edited = Object.entries(scaffold.edits).map(
    ([path, edit]) => [path, edit(readFileSync(join(root, path), 'utf8'))] as const,
  );
  for (const [path, text] of [...Object.entries(scaffold.files), ...edited]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const paths = [...Object.keys(scaffold.files), ...Object.keys(scaffold.edits)];
  await runOrThrow(root, 'oxfmt', paths);
  await runOrThrow(root, 'tsx', ['--conditions=dais-source', 'tools/generate/main.ts']);
  await runOrThrow(root, 'tsx', ['tools/write-arrows.ts']);
  return [
    ...Object.keys(scaffold.files).map((path) => `new     ${path}`),
    ...Object.keys(scaffold.edits).map((path) => `edited  ${path}`),
    ...touchedFolders(scaffold).map((folder) => `folder  ${folder}`),
    '',
    'Next:',
    ...scaffold.next.map((line) => `  - ${line}`),
    '',
  ].join('\n');
}

async function runOrThrow(root: string, program: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runCommand(program, args, { cwd: root, quiet: true });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`);
}
