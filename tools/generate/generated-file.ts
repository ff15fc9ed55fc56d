/** One file of the reference. `path` is relative to the root of the repository, with `/`. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

export const REFERENCE = 'docs/reference';

/** Everything below these folders is written by the generator; a file that it did not write is stale. */
export const GENERATED_FOLDERS: readonly string[] = [REFERENCE, 'deploy/grafana'];
