/** Queries of the feature pages. */
import { type DaisError, type Resource } from '@dais/api';
import {
  featureViewKind,
  listFeatureBuildsOperation,
  listFeatureViewStatesOperation,
  listMaterializationsOperation,
  type FeatureBuild,
  type FeatureViewState,
  type Materialization,
} from '@dais/api/data';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

const PAGE = 1000;
/** Maximum number of shown materializations and builds of one view or service. */
const WORKS = 100;
/** Progress has no events. */
const LIVE_MS = 1000;

export interface FeaturesScope {
  readonly project: string;
  readonly key: readonly string[];
  /** All further events are received. */
  readonly ready: boolean;
}

function featuresKey(project: string): string[] {
  return ['features', project];
}

export function useFeaturesScope(project: string): FeaturesScope {
  const key = featuresKey(project);
  return { project, key, ready: useNews(project, { kind: featureViewKind.kind }, key) };
}

/** All views of a project with their online freshness and consumers. */
export function useFeatureViews({ project, key, ready }: FeaturesScope): UseQueryResult<FeatureViewState[], DaisError> {
  const client = useClient(project);
  return useQuery<FeatureViewState[], DaisError>({
    queryKey: [...key, 'views'],
    queryFn: async ({ signal }) => {
      const all: FeatureViewState[] = [];
      let cursor: string | undefined;
      do {
        const input = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(listFeatureViewStatesOperation, input, { signal });
        all.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return all;
    },
    enabled: ready,
  });
}

export function useFeatureResource(
  { project, key, ready }: FeaturesScope,
  kind: 'FeatureView' | 'FeatureService' | 'Entity',
  name: string | undefined,
): UseQueryResult<Resource, DaisError> {
  const client = useClient(project);
  return useQuery<Resource, DaisError>({
    queryKey: [...key, kind, name],
    queryFn: async ({ signal }) => (await client.get(kind, name ?? '', { signal })) as Resource,
    enabled: ready && name !== undefined,
  });
}

/** All entities of a project by name, for their join keys. */
export function useEntities({ project, key, ready }: FeaturesScope): ReadonlyMap<string, Resource> | undefined {
  const client = useClient(project);
  return useQuery<ReadonlyMap<string, Resource>, DaisError>({
    queryKey: [...key, 'entities'],
    queryFn: async ({ signal }) => {
      const found = new Map<string, Resource>();
      for await (const one of client.list('Entity', {}, { signal })) found.set(one.metadata.name, one);
      return found;
    },
    enabled: ready,
  }).data;
}

export function useMaterializations(
  { project, key, ready }: FeaturesScope,
  view: string,
): UseQueryResult<Materialization[], DaisError> {
  const client = useClient(project);
  return useQuery<Materialization[], DaisError>({
    queryKey: [...key, 'materializations', view],
    queryFn: async ({ signal }) =>
      (await client.perform(listMaterializationsOperation, { view, limit: WORKS }, { signal })).items,
    enabled: ready,
    refetchInterval: ({ state: { data } }) => (data?.some(goesOn) === true ? LIVE_MS : false),
  });
}

/** Training sets of all services, newest first. */
export function useBuilds({ project, key, ready }: FeaturesScope): UseQueryResult<FeatureBuild[], DaisError> {
  const client = useClient(project);
  return useQuery<FeatureBuild[], DaisError>({
    queryKey: [...key, 'builds'],
    queryFn: async ({ signal }) =>
      (await client.perform(listFeatureBuildsOperation, { limit: PAGE }, { signal })).items,
    enabled: ready,
    refetchInterval: ({ state: { data } }) => (data?.some(goesOn) === true ? LIVE_MS : false),
  });
}

export function goesOn({ state }: Pick<Materialization, 'state'>): boolean {
  return state === 'pending' || state === 'running';
}
