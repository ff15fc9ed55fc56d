/** Which of the versions that lie in Dais a run read, by what it logged of its input. Pure. */
import type { Run } from '@dais/api/tracking';
import { datasetVersionAddress, type Address } from '#addresses.ts';

export type RunDataset = Run['datasets'][number]['dataset'];

/** In an address that was read, or as `dais://flights@3`. */
const IN_PATH = /\/api\/v1\/data\/datasets\/([A-Za-z0-9._-]+)\/versions\/([A-Za-z0-9._:+-]+)/;
const IN_NAME = /\bdais:(?:\/\/)?(?:[^/@"\s]+\/)*([A-Za-z0-9._-]+)@([A-Za-z0-9._:+-]+)/;

/** Undefined: it lies elsewhere, or nobody can tell. */
export function datasetInputAddress(project: string, { source }: Pick<RunDataset, 'source'>): Address | undefined {
  const [, name, version] = IN_PATH.exec(source) ?? IN_NAME.exec(source) ?? [];
  return name === undefined || version === undefined ? undefined : datasetVersionAddress(project, name, version);
}
