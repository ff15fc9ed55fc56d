import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GENERATED_FOLDERS, type GeneratedFile } from './generated-file.ts';

/** One difference between the folder and the code, as a line: `changed docs/reference/errors.md`. */
export function differences(root: string, files: readonly GeneratedFile[]): string[] {
  const expected = new Map(files.map((file) => [file.path, file.text]));
  const present = presentFiles(root, [...expected.keys()]);
  return [
    ...[...expected].flatMap(([path, text]) => {
      if (!present.includes(path)) return [`missing ${path}`];
      return readFileSync(join(root, path), 'utf8') === text ? [] : [`changed ${path}`];
    }),
    ...present.filter((path) => !expected.has(path)).map((path) => `stale ${path}`),
  ].toSorted();
}

/** Updates the folder: writes changed files, removes files that are no longer generated. */
export function writeReference(root: string, files: readonly GeneratedFile[]): void {
  const expected = new Set(files.map((file) => file.path));
  for (const path of presentFiles(root, [...expected])) if (!expected.has(path)) rmSync(join(root, path));
  for (const { path, text } of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Returns the files in the generated folders, and the expected files elsewhere that exist. */
function presentFiles(root: string, expected: readonly string[]): string[] {
  const inside = GENERATED_FOLDERS.flatMap((folder) => filesBelow(root, join(root, folder)));
  return [...new Set([...inside, ...expected.filter((path) => existsSync(join(root, path)))])];
}

function filesBelow(root: string, folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .replaceAll('\\', '/'),
    );
}
