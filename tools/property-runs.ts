/** How many examples each property is tried with: `full` asks for more than the 100 of every day. */
import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly propertyRuns: number;
  }
}

fc.configureGlobal({ numRuns: inject('propertyRuns') });
