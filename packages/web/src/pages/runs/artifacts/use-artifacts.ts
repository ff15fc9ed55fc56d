/** Entries of artifact folders, and contents of files. */
import { DaisError, fromProblem, type Problem } from '@dais/api';
import { listArtifactsOperation } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Maximum number of shown entries of one folder; the API returns all. */
const MOST = 1000;

export type ArtifactEntry = (typeof listArtifactsOperation)['output']['_output']['items'][number];

export interface Folder {
  readonly entries: readonly ArtifactEntry[];
  readonly more: boolean;
}

/** `live`: a running run can add files. */
export function useFolder(project: string, path: string, live: boolean) {
  const client = useClient(project);
  return useQuery<Folder, DaisError>({
    queryKey: ['artifacts', project, path],
    queryFn: async ({ signal }) => {
      const { items, nextCursor } = await client.perform(listArtifactsOperation, { path, limit: MOST }, { signal });
      const folders = items.filter(({ directory }) => directory);
      return { entries: [...folders, ...items.filter(({ directory }) => !directory)], more: nextCursor !== undefined };
    },
    refetchInterval: live ? 5000 : false,
  });
}

/** `page`: shown in a frame; else saved or read. */
export function useArtifactUrl(project: string): (path: string, as: 'content' | 'page') => string {
  const { url } = useClient(project);
  return (path, as) =>
    `${url}/p/${encodeURIComponent(project)}/api/v1/tracking/artifacts/${as}?path=${encodeURIComponent(path)}`;
}

/** The first `most` bytes of a file. */
export function useFileBytes(url: string, most: number) {
  return useQuery<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly whole: boolean }, DaisError>({
    queryKey: ['file', url, most],
    queryFn: async ({ signal }) => {
      const response = await fetch(url, { signal, headers: { range: `bytes=0-${most - 1}` } });
      // An empty file has no first byte.
      if (response.status === 416) return { bytes: new Uint8Array(), whole: true };
      if (!response.ok) throw await errorOf(response);
      const bytes = new Uint8Array(await response.arrayBuffer());
      const size = Number(/\/(?<size>\d+)$/.exec(response.headers.get('content-range') ?? '')?.groups?.['size']);
      return { bytes, whole: !(size > bytes.length) };
    },
    gcTime: 30_000,
  });
}

async function errorOf(response: Response): Promise<Error> {
  try {
    return fromProblem((await response.json()) as Problem);
  } catch {
    return new DaisError('internal', `The server returned status ${response.status}.`);
  }
}
