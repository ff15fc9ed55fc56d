/** Details of a version outside the registry: its run, its logged model and its saved file. */
import type { ModelVersion } from '@dais/api/registry';
import {
  listArtifactsOperation,
  readLoggedModelOperation,
  readRunOperation,
  type LoggedModel,
  type Run,
} from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import type { ModelFile } from './model-file.ts';
import { useClient } from '#server/console-context.ts';
import { artifactPath, readArtifactText } from '#server/read-artifact.ts';

type MetricValue = Run['metrics'][number]['value'];

export interface VersionFacts {
  readonly run: Run | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, MetricValue>>;
  readonly file: ModelFile | undefined;
  /** Nothing is loading any more. */
  readonly settled: boolean;
}

/** While its run is in progress, metrics change without an event. */
const LIVE_MS = 5000;

export function useVersionFacts(project: string, version: ModelVersion | undefined): VersionFacts {
  const client = useClient(project);
  const { runId, loggedModelId, artifactUri } = version ?? {};
  const run = useQuery<Run>({
    queryKey: ['run', project, runId],
    queryFn: async ({ signal }) => await client.perform(readRunOperation, { id: runId ?? '' }, { signal }),
    enabled: runId !== undefined,
    refetchInterval: ({ state }) => (state.data?.status === 'RUNNING' ? LIVE_MS : false),
  });
  const model = useQuery<LoggedModel>({
    queryKey: ['logged model', project, loggedModelId],
    queryFn: async ({ signal }) =>
      await client.perform(readLoggedModelOperation, { id: loggedModelId ?? '' }, { signal }),
    enabled: loggedModelId !== undefined,
  });
  const folder = artifactUri === undefined ? undefined : artifactPath(artifactUri);
  const file = useQuery<ModelFile | null>({
    queryKey: ['model file', project, folder],
    queryFn: async ({ signal }) => {
      const path = folder ?? '';
      // Requesting a missing file by name would cause an error in the browser's log.
      const { items } = await client.perform(listArtifactsOperation, { path }, { signal });
      if (!items.some(({ name, directory }) => name === 'MLmodel' && !directory)) return null;
      const [text, { parseModelFile }] = await Promise.all([
        readArtifactText(client, `${path}/MLmodel`, signal),
        import('./model-file.ts'),
      ]);
      return (text === undefined ? undefined : parseModelFile(text)) ?? null;
    },
    enabled: folder !== undefined,
    // The content is immutable.
    staleTime: Infinity,
  });
  return {
    run: run.data,
    params: { ...run.data?.params, ...model.data?.params },
    metrics: { ...valuesOf(run.data?.metrics), ...valuesOf(model.data?.metrics) },
    file: file.data ?? undefined,
    settled: version !== undefined && !run.isLoading && !model.isLoading && !file.isLoading,
  };
}

function valuesOf(metrics: readonly { readonly key: string; readonly value: MetricValue }[] = []) {
  return Object.fromEntries(metrics.map(({ key, value }) => [key, value]));
}
