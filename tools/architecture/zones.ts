/** Returns the zone of the arrow table for a file. */
import { around, arrows, testSupport, type Arrow } from '../arrows.ts';
import { matchesAny, matchPath, type Bindings } from './pattern.ts';

export interface Location {
  readonly arrow: Arrow;
  readonly bindings: Bindings;
}

/** The first row that holds the path; rows are listed from the narrow to the wide. */
export function locationOf(path: string): Location | undefined {
  for (const arrow of arrows) {
    for (const pattern of arrow.files) {
      const bindings = matchPath(pattern, path);
      if (bindings) return { arrow, bindings };
    }
  }
  return undefined;
}

/** Tests and what only they use: they put real parts together, so the arrows do not bind them. */
export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || matchesAny(testSupport, path);
}

export function isAround(path: string): boolean {
  return matchesAny(around, path);
}

/** `ledgers/tracking` for every file of that slice; undefined outside slices. */
export function sliceOf(location: Location): string | undefined {
  const name = Object.values(location.bindings)[0];
  return location.arrow.acyclic && name ? location.arrow.zone.replace(/<\w+>/, name) : undefined;
}
