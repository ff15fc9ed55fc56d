/** Finds the programs for isolation: configured ones, those of the machine, bundled ones. The only module that does. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOnPath, isProgram, SYSTEM_PATH } from '#lib/system/find-on-path.ts';
import type { FoundProgram } from './contract.ts';

export interface ProgramPaths {
  readonly configured?: readonly string[] | undefined;
  readonly path?: string | undefined;
  readonly bundled?: readonly string[] | undefined;
}

/** Returns all existing bwrap programs, in the order in which they are tried. */
export function findBubblewrap({ configured = [], path = SYSTEM_PATH, bundled = [] }: ProgramPaths): FoundProgram[] {
  const onPath = findOnPath('bwrap', path);
  const found: FoundProgram[] = [
    ...configured.map((path): FoundProgram => ({ path: path, source: 'configured' })),
    ...(onPath === undefined ? [] : [{ path: onPath, source: 'machine' as const }]),
    ...bundled.map((path): FoundProgram => ({ path: path, source: 'bundled' })),
  ];
  return found.filter((program) => isProgram(program.path));
}

/** Returns the folders that Node needs to run a program of this package: Node, this package and `node_modules`. */
export function programFolders(): string[] {
  const own = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
  const folders = new Set([own]);
  const node = path.dirname(path.dirname(realpathSync(process.execPath)));
  if (node !== '/' && !node.startsWith('/usr')) folders.add(node);
  for (let folder = own; folder !== '/'; folder = path.dirname(folder)) {
    const modules = path.join(folder, 'node_modules');
    if (!existsSync(modules)) continue;
    folders.add(modules);
    // A link in a repository with several packages.
    const api = path.join(modules, '@dais', 'api');
    if (existsSync(api)) folders.add(realpathSync(api));
  }
  return [...folders];
}
