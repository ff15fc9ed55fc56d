import { readLineageOperation, type LineageGraph } from '@dais/api/lineage';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** The depth that a line shows. */
const DEPTH = 4;
const NODES = 200;

/** Upstream and downstream lineage. Undefined also where the viewer cannot read it. */
export function useLineage(project: string, node: string | undefined): LineageGraph | undefined {
  const client = useClient(project);
  const { data } = useQuery<LineageGraph>({
    queryKey: ['lineage', project, node],
    queryFn: async ({ signal }) =>
      await client.perform(readLineageOperation, { node: node ?? '', depth: DEPTH, limit: NODES }, { signal }),
    enabled: node !== undefined,
    retry: false,
  });
  return data;
}
