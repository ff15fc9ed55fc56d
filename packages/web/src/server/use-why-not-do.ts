/** Why the viewer cannot perform an action that is not a verb of a kind. */
import { whyOperation } from '@dais/api/access';
import { useQueries } from '@tanstack/react-query';
import { useClient } from './console-context.ts';
import { useOwnAccess } from './own-access.ts';

/**
 * For actions such as `run:delete` on a `Run`, or `model:approve` on one Model: why it is not permitted, and the
 * remedy; undefined: no reason is known. Queries only what is not generally permitted.
 */
export function useWhyNotDo(
  project: string,
  kind: string,
  actions: readonly string[],
  name?: string,
): (action: string) => string | undefined {
  const client = useClient(project);
  const { data } = useOwnAccess(project);
  const resource = name === undefined ? kind : `${kind}/${name}`;
  const doubtful = [...new Set(actions)].filter(
    (action) =>
      data !== undefined &&
      data.items.find((item) => item.kind === kind && item.action === action)?.decision !== 'allow',
  );
  const reported = useQueries({
    queries: doubtful.map((action) => ({
      queryKey: ['access', project, 'why', action, resource],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) =>
        await client.perform(whyOperation, { action, resource }, { signal }),
      staleTime: 30_000,
    })),
  });
  return (action) => {
    const answer = reported[doubtful.indexOf(action)]?.data;
    return answer?.decision === 'deny'
      ? `You need ${answer.action}. ${answer.suggestions.join(' ')}`.trim()
      : undefined;
  };
}
