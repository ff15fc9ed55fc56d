/** The number of examples of each property, and the seed: `full` uses more and new ones. */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly propertyRuns: number;
    readonly propertySeed: number;
  }
}

fc.configureGlobal({ numRuns: inject('propertyRuns'), seed: inject('propertySeed') });
