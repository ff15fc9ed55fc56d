import { DaisError, type KindSpec } from '@dais/api';
import { testPolicyOperation } from '@dais/api/access';
import { CancelledError, queryOptions, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { serverProblems, type ServerProblem } from '#kinds/server-problems.ts';
import { useClient } from '#server/console-context.ts';

type Report = (typeof testPolicyOperation)['output']['_output'];

export interface PolicyCheck {
  readonly problems: readonly ServerProblem[];
  readonly cases: Report['cases'];
}

function isPolicy(kind: KindSpec): boolean {
  return kind.kind === 'Policy' || kind.kind === 'OrganizationPolicy';
}

/** The server's analysis of a policy text; requested once for each text. */
export function usePolicyCheck(project: string) {
  const client = useClient(project);
  return useCallback(
    (text: string) =>
      queryOptions<PolicyCheck, DaisError>({
        queryKey: ['policy-check', project, text],
        queryFn: async ({ signal }) => {
          try {
            const { cases } = await client.perform(testPolicyOperation, { file: 'policy.yaml', text }, { signal });
            return { problems: [], cases };
          } catch (error) {
            // Problems of the text are a successful response.
            if (!(error instanceof DaisError) || error.issues === undefined) throw error;
            return { problems: serverProblems(text, error), cases: [] };
          }
        },
        staleTime: Infinity,
        gcTime: 60_000,
      }),
    [client, project],
  );
}

/** Returns the problems that only the server can detect, for an editor. Other kinds have none. */
export function usePolicyProblems(
  kind: KindSpec,
  project: string,
): (text: string) => Promise<readonly ServerProblem[]> {
  const check = usePolicyCheck(project);
  const queries = useQueryClient();
  return useCallback(
    async (text) => {
      if (!isPolicy(kind)) return [];
      try {
        return (await queries.fetchQuery(check(text))).problems;
      } catch (error) {
        // The panel of the editor shows the error; the next edit requests an analysis again.
        if (error instanceof DaisError || error instanceof CancelledError) return [];
        throw error;
      }
    },
    [kind, check, queries],
  );
}
