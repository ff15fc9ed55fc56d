/** Finds the programs for isolation: configured ones, those of the machine, bundled ones. The only module that does. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FoundProgram } from './contract.ts';

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ProgramPaths {
  readonly configured?: readonly string[] | undefined;
  readonly path?: string | undefined;
  readonly bundled?: readonly string[] | undefined;
}

/** Returns all existing bwrap programs, in the order in which they are tried. */
export function findBubblewrap({ configured = [], path = SYSTEM_PATH, bundled = [] }: ProgramPaths): FoundProgram[] {
  const onPath = findOnPath('bwrap', path);
  const found: FoundProgram[] = [
    ...configured.map((place): FoundProgram => ({ path: place, source: 'configured' })),
    ...(onPath === undefined ? [] : [{ path: onPath, source: 'machine' as const }]),
    ...bundled.map((place): FoundProgram => ({ path: place, source: 'bundled' })),
  ];
  return found.filter((program) => isProgram(program.path));
}

export function findOnPath(name: string, path: string = SYSTEM_PATH): string | undefined {
  return path
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return statSync(place).isFile();
  } catch {
    return false;
  }
}
