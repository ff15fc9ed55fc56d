import type { KindSpec, Resource } from '@dais/api';
import { organizationPolicyKind, policyKind } from '@dais/api/access';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';

/** Policies that the viewer can read; empty while they load. */
export function usePolicies(project: string): readonly Resource[] {
  const may = useMay(project);
  const own = useAll(policyKind, project, may('policy:read') === true);
  const organization = useAll(organizationPolicyKind, project, may('organizationPolicy:read') === true);
  return [...own, ...organization];
}

/** Resources of a kind, at most a thousand: enough for resources that people write by hand. */
export function useAll(kind: KindSpec, project: string, enabled: boolean): readonly Resource[] {
  const scope = kind.scope === 'org' ? undefined : project;
  const client = useClient(scope);
  const { data } = useQuery({
    queryKey: ['all', kind.kind, scope],
    queryFn: async ({ signal }) => (await client.listPage(kind.kind, { limit: 1000 }, { signal })).items,
    enabled,
    staleTime: 30_000,
  });
  return data ?? NONE;
}

const NONE: readonly Resource[] = [];
