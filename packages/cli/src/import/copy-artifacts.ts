/** Copies the files of a run or a logged model from the source to Dais. */
import { DaisError } from '@dais/api';
import type { DaisTarget } from './dais-target.ts';
import type { FileOwner, TrackingSource } from './source.ts';
import type { Tally } from './tally.ts';

/**
 * Larger files of equal size are assumed to be equal: reading checkpoints of gigabytes in each round would be too slow.
 */
const COMPARED_BY_SIZE_FROM = 2 ** 20;
/** Attempts for one file: a broken connection does not end an import. */
const TRIES = 3;

export interface ArtifactDependencies {
  readonly source: TrackingSource;
  readonly target: DaisTarget;
  readonly tally: Tally;
  readonly onBytes: (count: number) => void;
}

/**
 * @param to location in Dais
 * @param fresh whether the location is known to be empty
 * @param skip what is not copied
 * @throws DaisError
 */
export async function copyArtifacts(
  { source, target, tally, onBytes }: ArtifactDependencies,
  owner: FileOwner,
  to: string,
  {
    fresh,
    all,
    skip = () => false,
  }: { readonly fresh: boolean; readonly all: boolean; readonly skip?: (path: string) => boolean },
): Promise<void> {
  const folder = folderOf(to);
  let there: Map<string, number> | undefined = fresh ? new Map() : undefined;
  for await (const { path, size } of source.files(owner)) {
    if (skip(path)) continue;
    there ??= await target.files(folder);
    const known = there.get(path);
    if (!all && known === size && size >= COMPARED_BY_SIZE_FROM) continue;
    const bytes = await uploadOnce(target, `${folder}/${path}`, async () => await source.open(owner, path), onBytes);
    if (bytes !== size) {
      throw new DaisError(
        'digest_mismatch',
        `${path} has ${bytes} bytes but is listed with ${size}: the file is changing.`,
      );
    }
    tally.add({ files: 1, bytes });
  }
}

async function uploadOnce(
  target: DaisTarget,
  path: string,
  open: () => ReturnType<TrackingSource['open']>,
  onBytes: (count: number) => void,
): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    let sent = 0;
    try {
      return await target.upload(path, await open(), (count) => {
        sent += count;
        onBytes(count);
      });
    } catch (error) {
      onBytes(-sent);
      if (!(error instanceof DaisError) || !error.retryable || attempt === TRIES) throw error;
    }
  }
}

/**
 * @throws DaisError `invalid_state` when artifacts of this experiment are stored elsewhere.
 */
function folderOf(uri: string): string {
  const path = /^mlflow-artifacts:\/*(?<path>.+)$/.exec(uri)?.groups?.['path'];
  if (path !== undefined) return path.replace(/\/+$/, '');
  const detail = `Artifacts of this experiment are stored at ${uri}, which Dais does not write. Import without artifacts.`;
  throw new DaisError('invalid_state', detail);
}
