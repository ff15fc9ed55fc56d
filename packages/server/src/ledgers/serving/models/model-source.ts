/** Resolves the model reference of a manifest to the files of the model. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { ServedModel } from '@dais/api/gateway';
import { parseServedModel, type ModelServer, type ServedModelName } from '@dais/api/serving';
import { listReferences, type ContentInfo } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { readByAlias, readVersion, versionKeyOf } from '#ledgers/registry/index.ts';
import { runHome } from '#ledgers/tracking/index.ts';

/** Most files of one model. */
const MOST_FILES = 5000;

export interface ModelFile {
  /** Relative to the folder of the model. */
  readonly path: string;
  readonly digest: string;
  readonly bytes: number;
}

/** A model of a server outside Dais, with the Secret of its credentials. */
export type RemoteModel = NonNullable<ServedModel['remote']> & {
  readonly credentials?: { readonly secret: string; readonly key: string };
};

/** The model that a reference refers to now. */
export interface FoundModel {
  /** Same files at the same location of the same project, or the same model of the same server: same id. */
  readonly id: string;
  /** `models:/flights/7`. */
  readonly label: string;
  readonly name: string;
  readonly version?: string;
  readonly aliases: readonly string[];
  readonly lineageKey?: string;
  readonly artifacts: string;
  readonly files: readonly ModelFile[];
  /** A model of another server has no files. */
  readonly remote?: RemoteModel;
}

export type Resolution = FoundModel | { readonly problem: string };

/**
 * In the project of the transaction. `servers`: of the endpoint that contains the reference. Returns a message, and does not
 * throw, for an invalid reference.
 */
export async function resolveModel(
  tx: Transaction,
  reference: string,
  artifactRoot: string,
  servers: readonly ModelServer[] = [],
): Promise<Resolution> {
  try {
    return await find(tx, reference, artifactRoot, servers);
  } catch (error) {
    if (error instanceof DaisError && !error.retryable) return { problem: error.message };
    throw error;
  }
}

async function find(
  tx: Transaction,
  reference: string,
  artifactRoot: string,
  servers: readonly ModelServer[],
): Promise<Resolution> {
  const named = parseServedModel(reference);
  if ('message' in named) return { problem: `${reference} ${named.message}: ${named.expected}.` };
  if (named.of === 'remote') return findRemote(tx, reference, named, servers);
  if (named.of === 'run') {
    const home = await runHome(tx, named.runId, { artifactRoot });
    if (home === undefined) return { problem: `There is no run ${named.runId}.` };
    return await withFiles(tx, `${home}/${named.path}`, artifactRoot, {
      label: reference,
      name: named.runId,
      aliases: [],
    });
  }
  const { sql, projectId } = tx;
  const version =
    named.of === 'alias'
      ? await readByAlias(sql, projectId, named.name, named.alias)
      : await readVersion(sql, projectId, named.name, named.version);
  if (version.type === 'prompt') return { problem: `${named.name} is a prompt. An endpoint can only serve a model.` };
  const lineageKey = await versionKeyOf(tx, named.name, version.version);
  return await withFiles(tx, version.artifactUri, artifactRoot, {
    label: `models:/${named.name}/${version.version}`,
    name: named.name,
    version: String(version.version),
    aliases: version.aliases,
    ...(lineageKey !== undefined && { lineageKey }),
  });
}

function findRemote(
  { projectId }: Transaction,
  reference: string,
  { server: name, model, version }: ServedModelName & { of: 'remote' },
  servers: readonly ModelServer[],
): Resolution {
  const server = servers.find((one) => one.name === name);
  if (server === undefined) {
    return { problem: `The endpoint declares no server "${name}" for ${reference}. Add it to \`spec.servers\`.` };
  }
  const { url, protocol, credentials, ca, concurrency } = server;
  const remote: RemoteModel = {
    url: url.replace(/\/+$/, ''),
    protocol,
    model,
    ...(version !== undefined && { version }),
    ...(credentials !== undefined && {
      header: credentials.header?.toLowerCase() ?? 'authorization',
      credentials: { secret: credentials.secret, key: credentials.key },
    }),
    ...(ca !== undefined && { ca }),
    concurrency,
  };
  const hash = createHash('sha256').update(JSON.stringify([projectId, reference, remote]));
  return {
    id: hash.digest('hex').slice(0, 32),
    label: reference,
    // Registered models have no colon in their names: predictions and lineage of both stay apart.
    name: `${name}:${model}`,
    ...(version !== undefined && { version }),
    aliases: [],
    artifacts: '',
    files: [],
    remote,
  };
}

async function withFiles(
  tx: Transaction,
  uri: string,
  root: string,
  about: Omit<FoundModel, 'id' | 'artifacts' | 'files'>,
): Promise<Resolution> {
  if (!uri.startsWith(root)) {
    return {
      problem: `The artifacts of ${about.label} are stored at ${uri}, outside Dais. Log the model again, or import it.`,
    };
  }
  const artifacts = uri.slice(root.length).replace(/^\/+|\/+$/g, '');
  const owner = { projectId: tx.projectId, uid: tx.projectId };
  const prefix = `${artifacts}/`;
  const found: ContentInfo[] = await listReferences(tx, owner, { prefix, limit: MOST_FILES + 1 });
  if (found.length === 0) return { problem: `${about.label} has no artifacts at ${uri}.` };
  if (found.length > MOST_FILES) return { problem: `${about.label} has more than ${MOST_FILES} files.` };
  const files: ModelFile[] = [];
  for (const { name, size, sha256 } of found) {
    if (sha256 === null)
      return { problem: `${name} of ${about.label} is still being processed after its upload. Retry later.` };
    files.push({ path: name.slice(prefix.length), digest: sha256, bytes: size });
  }
  const hash = createHash('sha256').update(JSON.stringify([tx.projectId, about.label, artifacts]));
  for (const { path, digest } of files) hash.update(`\n${digest} ${path}`);
  return { id: hash.digest('hex').slice(0, 32), artifacts, files, ...about };
}
