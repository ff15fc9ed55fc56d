import type { DaisError } from '@dais/api';
import {
  listExecutionAttemptsOperation,
  listExecutionFilesOperation,
  readExecutionStepOperation,
  type ExecutionAttempt,
  type ExecutionMark,
  type ExecutionStep,
} from '@dais/api/executions';
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { executionKey } from './use-execution.ts';
import { useClient } from '#server/console-context.ts';

/** Maximum number of shown attempts: a step has at most a hundred retries and some lost attempts. */
const MOST_ATTEMPTS = 1000;
/** Maximum number of listed files of one output. */
const MOST_FILES = 1000;

/** All details of a step; read again when its mark changes. */
export function useStep(project: string, run: string, mark: ExecutionMark): UseQueryResult<ExecutionStep, DaisError> {
  const client = useClient(project);
  return useQuery<ExecutionStep, DaisError>({
    queryKey: [...executionKey(project, run), 'step', mark.path, mark.state, mark.attempts],
    queryFn: async ({ signal }) =>
      await client.perform(readExecutionStepOperation, { id: run, node: mark.path }, { signal }),
    placeholderData: (before) => (before?.path === mark.path ? before : undefined),
  });
}

export function useAttempts(
  project: string,
  run: string,
  mark: ExecutionMark,
): UseQueryResult<readonly ExecutionAttempt[], DaisError> {
  const client = useClient(project);
  return useQuery<readonly ExecutionAttempt[], DaisError>({
    queryKey: [...executionKey(project, run), 'attempts', mark.path, mark.state, mark.attempts],
    queryFn: async ({ signal }) => {
      const input = { id: run, node: mark.path, limit: MOST_ATTEMPTS };
      return (await client.perform(listExecutionAttemptsOperation, input, { signal })).items;
    },
    placeholderData: keepPreviousData,
    // The start after the claim changes no mark.
    refetchInterval: mark.state === 'running' ? 3000 : false,
  });
}

export type RunFile = (typeof listExecutionFilesOperation)['output']['_output']['items'][number];

/** Files of an execution whose names start with a prefix. */
export function useRunFiles(project: string, run: string, prefix: string) {
  const client = useClient(project);
  return useQuery<{ readonly files: readonly RunFile[]; readonly more: boolean }, DaisError>({
    queryKey: [...executionKey(project, run), 'files', prefix],
    queryFn: async ({ signal }) => {
      const input = { id: run, prefix, limit: MOST_FILES };
      const { items, nextCursor } = await client.perform(listExecutionFilesOperation, input, { signal });
      return { files: items, more: nextCursor !== undefined };
    },
  });
}

/** Path of the content of an execution's file. */
export function useRunFileUrl(project: string): (run: string, name: string) => string {
  const { url } = useClient(project);
  return (run, name) =>
    `${url}/p/${encodeURIComponent(project)}/api/v1/executions/${encodeURIComponent(run)}/files/content?name=${encodeURIComponent(name)}`;
}
