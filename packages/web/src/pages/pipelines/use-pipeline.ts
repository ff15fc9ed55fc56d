import type { DaisError } from '@dais/api';
import {
  graphPipelineOperation,
  listPipelineVersionsOperation,
  readPipelineVersionOperation,
  type PipelineGraph,
  type PipelineVersion,
} from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Maximum number of listed versions; the API returns older ones. */
const MOST = 100;

/** `seen`: generation of the watched resource, which changes with each update. */
export interface PipelineScope {
  readonly project: string;
  readonly name: string;
  readonly seen: string;
}

export function useVersions({ project, name, seen }: PipelineScope) {
  const client = useClient(project);
  return useQuery<{ readonly versions: readonly PipelineVersion[]; readonly more: boolean }, DaisError>({
    queryKey: ['pipeline', project, name, 'versions', seen],
    queryFn: async ({ signal }) => {
      const page = await client.perform(listPipelineVersionsOperation, { name, limit: MOST }, { signal });
      return { versions: page.items, more: page.nextCursor !== undefined };
    },
    placeholderData: (before) => before,
  });
}

/** Undefined: there is no version. */
export function usePipelineGraph({ project, name, seen }: PipelineScope, version: string | undefined) {
  const client = useClient(project);
  return useQuery<PipelineGraph, DaisError>({
    queryKey: ['pipeline', project, name, 'graph', version, seen],
    queryFn: async ({ signal }) =>
      await client.perform(graphPipelineOperation, { name, version: version ?? '' }, { signal }),
    enabled: version !== undefined,
  });
}

/** The source of a version. Versions are immutable. */
export function useDocument({ project, name }: PipelineScope, version: string | undefined) {
  const client = useClient(project);
  return useQuery<string, DaisError>({
    queryKey: ['pipeline', project, name, 'document', version],
    queryFn: async ({ signal }) => {
      const whole = await client.perform(readPipelineVersionOperation, { name, version: version ?? '' }, { signal });
      const { stringify } = await import('yaml');
      return stringify(whole.document, { lineWidth: 0, aliasDuplicateObjects: false });
    },
    enabled: version !== undefined,
    staleTime: Infinity,
  });
}
