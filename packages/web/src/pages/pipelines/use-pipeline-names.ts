import { pipelineKind } from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Pipelines whose names are known to a list; runs of others say only that they are of one. */
const MOST = 1000;

/** Names of pipelines by uid. Read only where somebody asks for one. */
export function usePipelineNames(project: string, needed: boolean): ReadonlyMap<string, string> {
  const client = useClient(project);
  const { data } = useQuery({
    queryKey: ['pipeline-names', project],
    queryFn: async ({ signal }) => {
      const { items } = await client.listPage(pipelineKind.kind, { limit: MOST }, { signal });
      return items.map(({ metadata }): readonly [string, string] => [metadata.uid, metadata.name]);
    },
    enabled: needed,
    staleTime: 30_000,
  });
  return new Map(data);
}
