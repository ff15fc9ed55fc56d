import { pipelineKind } from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Maximum number of pipelines whose names are loaded for a list; other runs show only that they are pipeline runs. */
const MOST = 1000;

/** Names of pipelines by uid. Loaded only where they are needed. */
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
