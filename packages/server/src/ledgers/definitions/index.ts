/** Definitions: what clients with words of their own defined, byte for byte, beside the resources that stand for it. */
export { definitionEntries } from './definition-entries.ts';
export { forgetDefinitions } from './definitions.ts';
export { definitionsSlice } from './definitions-slice.ts';
