import type { Transaction } from '#kernel/transaction.ts';
import type { ModelVersion } from '@dais/api/registry';
import { readByAlias, readNewestVersion, readVersion } from '../model-rows.ts';
import type { RegistryDependencies } from '../registry-dependencies.ts';
import { isInside, parseSource, invalidSource } from './version-source.ts';

interface NewVersion {
  readonly source: string;
  readonly runId?: string;
  readonly loggedModelId?: string;
}

/** The location of a version's files, and their origin. */
export interface VersionOrigin {
  /** The source to store: an alias or a stage, which move, is replaced by the version that it names now. */
  readonly source: string;
  readonly artifactUri: string;
  readonly runId: string | undefined;
  readonly loggedModelId: string | undefined;
}

/**
 * Resolves a source. Files of Dais or of this machine can become a version only as part of their run or logged model:
 * otherwise a caller could read files without permission.
 * @throws DaisError `invalid_request`, `not_found`.
 */
export async function findOrigin(
  tx: Transaction,
  { homes, artifactRoot }: Pick<RegistryDependencies, 'homes' | 'artifactRoot'>,
  version: NewVersion,
): Promise<VersionOrigin> {
  const { source } = version;
  const parsed = parseSource(source, artifactRoot);
  // Values from the source are optional in the request, but must agree with it.
  const loggedModelId = version.loggedModelId ?? (parsed.of === 'logged-model' ? parsed.id : undefined);
  const model = loggedModelId === undefined ? undefined : await homes.ofLoggedModel(tx, loggedModelId);
  const runId = version.runId ?? (parsed.of === 'run' ? parsed.runId : model?.runId);
  const made = { source, runId, loggedModelId };
  switch (parsed.of) {
    case 'run': {
      if (parsed.runId !== runId) throw invalidSource(source, 'belongs to another run', `\`runId\`: ${parsed.runId}`);
      const home = await homes.ofRun(tx, parsed.runId);
      if (home === undefined) {
        // A run of another server, which the caller names explicitly. Nothing is ever read from this address.
        if (version.runId === parsed.runId) return { ...made, artifactUri: source };
        throw invalidSource(source, 'names a run that does not exist', 'a run of this project');
      }
      return { ...made, artifactUri: parsed.path === '' ? home : `${home}/${parsed.path}` };
    }
    case 'logged-model': {
      if (parsed.id !== loggedModelId) {
        throw invalidSource(source, 'is another logged model', `\`loggedModelId\`: ${parsed.id}`);
      }
      if (model === undefined) {
        throw invalidSource(source, 'names a logged model that does not exist', 'a logged model of this project');
      }
      return { ...made, artifactUri: model.artifactUri };
    }
    case 'version':
      return copied(made, await readVersion(tx.sql, tx.projectId, parsed.name, parsed.version));
    case 'alias':
      return copied(made, await readByAlias(tx.sql, tx.projectId, parsed.name, parsed.alias));
    case 'newest':
      return copied(made, await readNewestVersion(tx.sql, tx.projectId, parsed.name, parsed.stage));
    case 'inside': {
      const home = loggedModelId === undefined ? await runHome(tx, homes, runId) : model?.artifactUri;
      if (home === undefined || !isInside(parsed.uri, home)) {
        const expected = 'a path in the artifacts of the run `runId` or of `loggedModelId`';
        throw invalidSource(source, 'is outside the artifacts of its run or logged model', expected);
      }
      return { ...made, artifactUri: parsed.uri };
    }
    default:
      return { ...made, artifactUri: parsed.uri };
  }
}

async function runHome(
  tx: Transaction,
  homes: RegistryDependencies['homes'],
  runId: string | undefined,
): Promise<string | undefined> {
  return runId === undefined ? undefined : await homes.ofRun(tx, runId);
}

/**
 * A version of a version has the same files, and the same origin unless the client specifies another.
 * @throws DaisError `invalid_request` for a prompt, which has no files.
 */
function copied(made: Omit<VersionOrigin, 'artifactUri'>, from: ModelVersion): VersionOrigin {
  if (from.type === 'prompt') throw invalidSource(made.source, 'is a prompt, which has no files', 'a model');
  return {
    source: `models:/${from.model}/${from.version}`,
    artifactUri: from.artifactUri,
    runId: made.runId ?? from.runId,
    loggedModelId: made.loggedModelId ?? from.loggedModelId,
  };
}
