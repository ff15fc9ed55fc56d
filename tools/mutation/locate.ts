/** Finds where a fault applies, and which tests can detect it. */
import { dirname } from 'node:path';
import { importsOf, matchesGlob } from '../long-tests.mjs';
import { projectOf } from '../vitest-run.mjs';
import type { Fault } from './faults.ts';

/** Reads a file of the checkout; undefined when there is none. */
export type ReadFile = (file: string) => string | undefined;

export interface LocatedFault {
  readonly file: string;
  /** Text of the file with the fault. */
  readonly faulty: string;
}

/** @throws Error when the text occurs in no place or in several places. */
export function locateFault(fault: Fault, files: readonly string[], read: ReadFile): LocatedFault {
  const sources = files.filter((file) => matchesGlob(file, fault.in) && isSource(file));
  const everywhere = new RegExp(fault.find, 'g');
  const places = sources.flatMap((file) => Array.from(read(file)?.matchAll(everywhere) ?? [], () => file));
  const [file] = places;
  if (file === undefined || places.length > 1) {
    const found = places.length === 0 ? 'in no file' : `${places.length} times: ${places.join(', ')}`;
    throw new Error(
      `The text of the fault "${fault.name}" occurs ${found} of ${fault.in}. Change it in tools/mutation/faults.ts so that ` +
        `it matches one place: ${fault.find}`,
    );
  }
  return { file, faulty: (read(file) ?? '').replace(fault.find, fault.replace) };
}

function isSource(file: string): boolean {
  return /\.tsx?$/.test(file) && !/\.(test|testing|spec)\.tsx?$/.test(file);
}

/** Projects of `npm test`, in the order in which they run. */
export const PROJECTS = ['unit', 'int', 'conformance', 'e2e'] as const;
export type Project = (typeof PROJECTS)[number];

export interface AffectedTest {
  readonly file: string;
  readonly project: Project;
  /** Imports between the test and the faulty file. */
  readonly hops: number;
}

/** Files by the file that they import. */
export type Importers = ReadonlyMap<string, readonly string[]>;

export function importersOf(files: readonly string[], read: ReadFile): Importers {
  const importers = new Map<string, string[]>();
  for (const file of files) {
    for (const target of new Set(importsOf(file, read))) {
      const list = importers.get(target);
      if (list === undefined) importers.set(target, [file]);
      else list.push(file);
    }
  }
  return importers;
}

/** Returns the tests that import a file directly or indirectly: by project, the nearest first. */
export function affectedTests(file: string, importers: Importers): readonly AffectedTest[] {
  const hopsTo = new Map([[file, 0]]);
  let level = [file];
  for (let hops = 1; level.length > 0; hops++) {
    level = [...new Set(level.flatMap((path) => importers.get(path) ?? []))].filter((path) => !hopsTo.has(path));
    for (const path of level) hopsTo.set(path, hops);
  }
  const tests = [...hopsTo].flatMap(([path, hops]): AffectedTest[] => {
    const project = PROJECTS.find((name) => name === projectOf(path));
    return project === undefined ? [] : [{ file: path, project, hops }];
  });
  return tests.toSorted(
    (a, b) =>
      PROJECTS.indexOf(a.project) - PROJECTS.indexOf(b.project) ||
      a.hops - b.hops ||
      commonFolders(b.file, file) - commonFolders(a.file, file) ||
      (a.file < b.file ? -1 : 1),
  );
}

/** Returns how many folders two paths share from the root: a test in the folder of the fault is the likeliest. */
function commonFolders(one: string, other: string): number {
  const [first, second] = [dirname(one).split('/'), dirname(other).split('/')];
  const end = first.findIndex((folder, at) => folder !== second[at]);
  return end === -1 ? first.length : end;
}
