/** Queries of compute targets. */
import type { DaisError } from '@dais/api';
import { probeTargetOperation, readExecutionQueueOperation, type ComputeNode } from '@dais/api/executions';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Probe } from './target-words.ts';
import { useClient } from '#server/console-context.ts';

/** Starts and ends of steps on targets are not events of the targets. */
const REFRESH_MS = 5000;
/** A test with a pod takes at most 2 minutes, and the server some seconds around it. */
const PROBE_MS = 150_000;

/** The use of each target by the steps of all projects, by name. Empty until it is known. */
export function useTargetUse(project: string): ReadonlyMap<string, ComputeNode> {
  const client = useClient(project);
  const { data } = useQuery({
    queryKey: ['target-use', project],
    queryFn: async ({ signal }) => await client.perform(readExecutionQueueOperation, { limit: 1 }, { signal }),
    refetchInterval: REFRESH_MS,
  });
  const nodes = data?.nodes;
  return useMemo(
    () => new Map((nodes ?? []).filter(({ type }) => type === 'target').map((node) => [node.name, node])),
    [nodes],
  );
}

/** Tests a target, also with a pod. */
export function useProbe(name: string) {
  const client = useClient(undefined);
  return useMutation<Probe, DaisError>({
    mutationFn: async () => await client.perform(probeTargetOperation, { name }, { timeoutMs: PROBE_MS }),
  });
}
