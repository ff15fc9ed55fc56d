/** One file of the reference. `path` is relative to the root of the repository, with `/`. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

/** Everything below this folder is written by the generator; a file that it did not write is stale. */
export const REFERENCE = 'docs/reference';
