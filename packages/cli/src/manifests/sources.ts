import { DaisError, type ApplyInput } from '@dais/api';
import type { Context } from '#context.ts';
import { gitProvenance } from '#manifests/git-provenance.ts';
import { readManifestFiles } from '#manifests/manifest-files.ts';

/** Options that `apply` and `plan` share. */
export interface SourceOptions {
  readonly file: readonly string[];
  readonly recursive?: true;
  readonly owner?: string;
  readonly prune?: true;
  readonly takeOver?: true;
}

/** Maximum number of manifests in one request. */
const MAX_FILES = 1000;

/** All manifests that the options name, with their provenance. @throws DaisError as `readManifestFiles`. */
export async function readSources(context: Context, options: SourceOptions): Promise<ApplyInput> {
  if (options.prune === true && options.owner === undefined) {
    throw new DaisError('invalid_request', '--prune needs --owner: the name of the set that it may delete from.');
  }
  const files = await readManifestFiles(options.file, {
    workingFolder: context.workingFolder,
    recursive: options.recursive === true,
    readStdin: context.readStdin,
  });
  if (files.length > MAX_FILES) {
    throw new DaisError('too_large', `${files.length} files given; at most ${MAX_FILES} are allowed.`);
  }
  for (const file of files) context.sentTexts.set(file.name, file.text);
  const paths = files.flatMap((file) => (file.path === undefined ? [] : [file.path]));
  const provenance = await gitProvenance(paths, context.environment.variables);
  return {
    sources: files.map((file) => {
      const source = file.path === undefined ? undefined : provenance.get(file.path);
      return { file: file.name, text: file.text, ...(source !== undefined && { source }) };
    }),
    ...(options.owner !== undefined && { owner: options.owner }),
    ...(options.prune === true && { prune: true }),
    ...(options.takeOver === true && { takeOver: true }),
  };
}
