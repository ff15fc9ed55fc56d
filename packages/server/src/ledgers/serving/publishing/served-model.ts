/** A model with the settings of its endpoint, as published in snapshots. */
import { createHash } from 'node:crypto';
import type { ServedModel } from '@dais/api/gateway';
import type { EndpointSpec } from '@dais/api/serving';
import type { ModelRow } from '../models/model-rows.ts';
import type { RemoteModel } from '../models/model-source.ts';

type Settings = Pick<EndpointSpec, 'resources' | 'scaling' | 'timeoutSeconds' | 'input' | 'batching'>;

/** Same key: same files and settings. Usable as a folder name. */
export function servedKey(model: string, settings: Settings): string {
  const { resources, scaling, timeoutSeconds } = settings;
  const digest = createHash('sha256')
    .update(JSON.stringify([resources, scaling, timeoutSeconds, mostRows(settings)]))
    .digest('hex');
  return `${model.slice(0, 24)}${digest.slice(0, 8)}`;
}

/** Time limit of one run of a single request or a batch. */
function mostRows({ input, batching }: Settings): number {
  return Math.max(input.rows, batching.rows);
}

export function servedModel(
  row: ModelRow,
  settings: Settings,
  about: {
    readonly project: string;
    readonly aliases: readonly string[];
    readonly trust: ServedModel['trust'];
    readonly environment?: string | undefined;
  },
): ServedModel {
  const { resources, scaling, timeoutSeconds } = settings;
  const { description: described } = row;
  const { remote } = described;
  return {
    key: servedKey(row.id, settings),
    project: about.project,
    name: row.name,
    ...(row.version !== null && { version: row.version }),
    aliases: [...about.aliases],
    files: described.files.map(({ path, digest, bytes }) => ({ path, digest, bytes })),
    trust: about.trust,
    ...(described.signature !== null && { signature: described.signature }),
    threads: resources.threads,
    // Instances of a remote model are those of its server.
    workers:
      remote === undefined
        ? { min: scaling.min, max: scaling.max, idleMs: scaling.idleSeconds * 1000 }
        : { min: 1, max: 1, idleMs: 0 },
    loadMs: resources.loadSeconds * 1000,
    inferMs: Math.ceil(timeoutSeconds * 1000),
    rows: mostRows(settings),
    ...(row.resumes > 0 && { resumes: row.resumes }),
    ...(resources.memoryMb !== undefined && { memoryBytes: resources.memoryMb * 2 ** 20 }),
    ...(about.environment !== undefined && { environment: about.environment }),
    ...(remote !== undefined && { engine: 'remote', remote: publicPart(remote) }),
  };
}

/** Without the name of the Secret, which a gateway cannot read. */
function publicPart({ url, protocol, model, version, header, ca, concurrency }: RemoteModel): ServedModel['remote'] {
  return {
    url,
    protocol,
    model,
    ...(version !== undefined && { version }),
    ...(header !== undefined && { header }),
    ...(ca !== undefined && { ca }),
    concurrency,
  };
}
