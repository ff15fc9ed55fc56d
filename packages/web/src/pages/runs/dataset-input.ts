/** The version that a run read, by its logged dataset. Pure functions. */
import type { Run } from '@dais/api/tracking';
import { datasetVersionAddress, type Address } from '#addresses.ts';

export type RunDataset = Run['datasets'][number]['dataset'];

/** In the URL of a read request, or as `dais://flights@3`. */
const IN_PATH = /\/api\/v1\/data\/datasets\/([A-Za-z0-9._-]+)\/versions\/([A-Za-z0-9._:+-]+)/;
const IN_NAME = /\bdais:(?:\/\/)?(?:[^/@"\s]+\/)*([A-Za-z0-9._-]+)@([A-Za-z0-9._:+-]+)/;

/** Undefined: it is stored elsewhere, or unknown. */
export function datasetInputAddress(project: string, { source }: Pick<RunDataset, 'source'>): Address | undefined {
  const [, name, version] = IN_PATH.exec(source) ?? IN_NAME.exec(source) ?? [];
  return name === undefined || version === undefined ? undefined : datasetVersionAddress(project, name, version);
}
