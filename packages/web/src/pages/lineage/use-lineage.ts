import { readLineageOperation, type LineageGraph } from '@dais/api/lineage';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** As far as a line shows it. */
const DEPTH = 4;
const NODES = 200;

/** What something was made from and what became of it. Undefined too where the reader may not see it. */
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
