/** Queries of the endpoint page. */
import { fromProblem, type DaisClient, type DaisError, type Resource } from '@dais/api';
import {
  listRolloutsOperation,
  readEndpointContractOperation,
  readEndpointFiguresOperation,
  type EndpointContract,
  type EndpointFigures,
  type EndpointVariant,
  type Rollout,
} from '@dais/api/serving';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

/** Operational metrics come from a gateway, which emits no events for them. */
const LIVE_MS = 1000;
/** Rates cover ten seconds, and a list has many rows. */
const LISTED_MS = 5000;
const ROLLOUTS = 20;

export interface EndpointScope {
  readonly project: string;
  readonly name: string;
  readonly key: readonly string[];
  /** All further events are received. */
  readonly ready: boolean;
}

/** The fields of the status that the page shows. */
export interface EndpointStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
  readonly variants?: readonly EndpointVariant[];
  readonly quarantined?: readonly { readonly model: string; readonly reason: string; readonly at: string }[];
  readonly rollout?: { readonly state: string; readonly to: string; readonly weight: number; readonly message: string };
}

export function useEndpointScope(project: string, name: string): EndpointScope {
  const key = ['endpoint', project, name];
  return { project, name, key, ready: useNews(project, { kind: 'Endpoint', name }, key) };
}

export function useEndpoint({ project, name, key, ready }: EndpointScope): UseQueryResult<Resource, DaisError> {
  const client = useClient(project);
  return useQuery<Resource, DaisError>({
    queryKey: [...key, 'resource'],
    queryFn: async ({ signal }) => (await client.get('Endpoint', name, { signal })) as Resource,
    enabled: ready,
  });
}

export function useRollouts({ project, name, key, ready }: EndpointScope): UseQueryResult<Rollout[], DaisError> {
  const client = useClient(project);
  return useQuery<Rollout[], DaisError>({
    queryKey: [...key, 'rollouts'],
    queryFn: async ({ signal }) =>
      (await client.perform(listRolloutsOperation, { endpoint: name, limit: ROLLOUTS }, { signal })).items,
    enabled: ready,
  });
}

export function useFigures({ project, name, key, ready }: EndpointScope): UseQueryResult<EndpointFigures, DaisError> {
  const client = useClient(project);
  return useQuery<EndpointFigures, DaisError>({
    queryKey: [...key, 'figures'],
    queryFn: async ({ signal }) => await client.perform(readEndpointFiguresOperation, { endpoint: name }, { signal }),
    enabled: ready,
    refetchInterval: LIVE_MS,
  });
}

/** The same for a row of a list: read less often, and only while the row is visible. */
export function useListedFigures(project: string, name: string): UseQueryResult<EndpointFigures, DaisError> {
  const client = useClient(project);
  return useQuery<EndpointFigures, DaisError>({
    queryKey: ['endpoint', project, name, 'figures'],
    queryFn: async ({ signal }) => await client.perform(readEndpointFiguresOperation, { endpoint: name }, { signal }),
    refetchInterval: LISTED_MS,
    staleTime: LISTED_MS,
    retry: false,
  });
}

export function useContract({ project, name, key, ready }: EndpointScope): UseQueryResult<EndpointContract, DaisError> {
  const client = useClient(project);
  return useQuery<EndpointContract, DaisError>({
    queryKey: [...key, 'contract'],
    queryFn: async ({ signal }) => await client.perform(readEndpointContractOperation, { endpoint: name }, { signal }),
    enabled: ready,
    retry: false,
  });
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly variant: string | undefined;
  readonly version: string | undefined;
  /** Id of the prediction, if it is stored. */
  readonly prediction: string | undefined;
  readonly ms: number;
}

/** Sends a body like any client. Responses of every status are returned. */
export async function callEndpoint(client: DaisClient, name: string, body: string): Promise<Answered> {
  const projectPath = client.project === undefined ? '' : `p/${encodeURIComponent(client.project)}/`;
  const url = new URL(
    `${projectPath}endpoints/${encodeURIComponent(name)}/invocations`,
    `${client.url.replace(/\/$/, '')}/`,
  );
  const from = performance.now();
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await answer.text();
  const ms = performance.now() - from;
  if (answer.headers.get('content-type')?.startsWith('application/problem+json') === true) {
    throw fromProblem(JSON.parse(text) as Parameters<typeof fromProblem>[0]);
  }
  return {
    status: answer.status,
    text,
    variant: answer.headers.get('dais-variant') ?? undefined,
    version: answer.headers.get('dais-model-version') ?? undefined,
    prediction: answer.headers.get('dais-prediction-id') ?? undefined,
    ms,
  };
}
