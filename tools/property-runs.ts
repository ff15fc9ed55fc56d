/** How many examples each property is tried with, and from which seed: `full` asks for more, and new ones. */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly propertyRuns: number;
    readonly propertySeed: number;
  }
}

fc.configureGlobal({ numRuns: inject('propertyRuns'), seed: inject('propertySeed') });
