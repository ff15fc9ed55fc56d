/** Registry queries, refreshed by events. */
import type { DaisError, Resource } from '@dais/api';
import {
  listAllApprovalsOperation,
  listApprovalsOperation,
  modelKind,
  readModelOperation,
  readModelVersionOperation,
  searchModelsOperation,
  searchModelVersionsOperation,
  type Approval,
  type ModelVersion,
  type RegisteredModel,
} from '@dais/api/registry';
import { formatFilter, modelVersionFilter } from '@dais/api/filter';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

/** Maximum number of items of one page of models and approvals. */
const PAGE = 1000;
/** Versions per request: more than fit on a screen. */
const VERSIONS = 100;

/** The scope of a page. One watch of events serves all its queries: a browser has six connections to a server. */
export interface RegistryScope {
  readonly project: string;
  /** All queries that events refresh. */
  readonly key: readonly string[];
  /** All further events are received. */
  readonly ready: boolean;
}

/** All models of a project. */
export function useRegistryScope(project: string): RegistryScope {
  const key = ['registry', project];
  return { project, key, ready: useNews(project, { kind: 'Model' }, key) };
}

export interface ModelScope extends RegistryScope {
  readonly name: string;
}

/** The key of all queries for one model, and of mutations that delete it. */
export function registryKey(project: string, name: string): string[] {
  return ['registry', project, name];
}

export function useModelScope(project: string, name: string): ModelScope {
  const key = registryKey(project, name);
  return { project, name, key, ready: useNews(project, { kind: 'Model', name }, key) };
}

/** All models of a project, or all prompts. */
export function useModels(
  { project, key, ready }: RegistryScope,
  type: RegisteredModel['type'],
): UseQueryResult<RegisteredModel[], DaisError> {
  const client = useClient(project);
  return useQuery<RegisteredModel[], DaisError>({
    queryKey: [...key, 'all', type],
    queryFn: async ({ signal }) => {
      const all: RegisteredModel[] = [];
      let cursor: string | undefined;
      do {
        const input = { types: [type], limit: PAGE, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(searchModelsOperation, input, { signal });
        all.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return all;
    },
    enabled: ready,
  });
}

/** Pending approvals of the project, as many as fit into one page. */
export function usePendingApprovals({ project, key, ready }: RegistryScope): UseQueryResult<Approval[], DaisError> {
  const client = useClient(project);
  return useQuery<Approval[], DaisError>({
    queryKey: [...key, 'pending'],
    queryFn: async ({ signal }) => {
      const input = { state: 'pending', limit: PAGE } as const;
      return (await client.perform(listAllApprovalsOperation, input, { signal })).items;
    },
    enabled: ready,
  });
}

export function useModel({ project, name, key, ready }: ModelScope): UseQueryResult<RegisteredModel, DaisError> {
  const client = useClient(project);
  return useQuery<RegisteredModel, DaisError>({
    queryKey: [...key, 'model'],
    queryFn: async ({ signal }) => await client.perform(readModelOperation, { name }, { signal }),
    enabled: ready,
  });
}

export function useVersion(
  { project, name, key, ready }: ModelScope,
  version: string,
): UseQueryResult<ModelVersion, DaisError> {
  const client = useClient(project);
  return useQuery<ModelVersion, DaisError>({
    queryKey: [...key, 'version', version],
    queryFn: async ({ signal }) => await client.perform(readModelVersionOperation, { name, version }, { signal }),
    enabled: ready,
  });
}

export interface Versions {
  /** Newest first; undefined while the first page loads. */
  readonly versions: readonly ModelVersion[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export function useVersions({ project, name, key, ready }: ModelScope): Versions {
  const client = useClient(project);
  const clause = { family: 'attribute', key: 'name', operator: '=', value: name } as const;
  const found = useInfiniteQuery({
    queryKey: [...key, 'versions'],
    queryFn: async ({ pageParam, signal }) => {
      const input = {
        filter: formatFilter(modelVersionFilter, [clause]),
        orderBy: ['version_number desc'],
        types: ['model' as const, 'prompt' as const],
        limit: VERSIONS,
        ...(pageParam !== undefined && { cursor: pageParam }),
      };
      return await client.perform(searchModelVersionsOperation, input, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: ready,
  });
  return {
    versions: found.data?.pages.flatMap(({ items }) => items),
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetching,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

/** Approvals of one model, newest first: the latest thousand. */
export function useApprovals({ project, name, key, ready }: ModelScope): UseQueryResult<Approval[], DaisError> {
  const client = useClient(project);
  return useQuery<Approval[], DaisError>({
    queryKey: [...key, 'approvals'],
    queryFn: async ({ signal }) =>
      (await client.perform(listApprovalsOperation, { name, limit: PAGE }, { signal })).items,
    enabled: ready,
  });
}

/** The specification of the model. */
export function useModelResource({ project, name, key, ready }: ModelScope): UseQueryResult<Resource, DaisError> {
  const client = useClient(project);
  return useQuery<Resource, DaisError>({
    queryKey: [...key, 'resource'],
    queryFn: async ({ signal }) => (await client.get(modelKind.kind, name, { signal })) as Resource,
    enabled: ready,
  });
}
