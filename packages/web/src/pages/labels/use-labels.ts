/** Queries of the labeling pages. */
import { type DaisError } from '@dais/api';
import {
  listLabelSetsOperation,
  listLabelTasksOperation,
  readAgreementOperation,
  readLabelSetOperation,
  type Agreement,
  type LabelSet,
  type LabelTask,
} from '@dais/api/data';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

const PAGE = 1000;
/** Tasks of one page. */
const TASKS = 50;

export function labelsKey(project: string, ...set: readonly string[]): string[] {
  return ['labels', project, ...set];
}

export function useLabelSets(project: string): UseQueryResult<LabelSet[], DaisError> {
  const client = useClient(project);
  return useQuery<LabelSet[], DaisError>({
    queryKey: [...labelsKey(project), 'all'],
    queryFn: async ({ signal }) => {
      const all: LabelSet[] = [];
      let cursor: string | undefined;
      do {
        const input = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(listLabelSetsOperation, input, { signal });
        all.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return all;
    },
  });
}

export function useLabelSet(project: string, set: string): UseQueryResult<LabelSet, DaisError> {
  const client = useClient(project);
  return useQuery<LabelSet, DaisError>({
    queryKey: [...labelsKey(project, set), 'set'],
    queryFn: async ({ signal }) => await client.perform(readLabelSetOperation, { set }, { signal }),
  });
}

export function useAgreement(project: string, set: string): UseQueryResult<Agreement, DaisError> {
  const client = useClient(project);
  return useQuery<Agreement, DaisError>({
    queryKey: [...labelsKey(project, set), 'agreement'],
    queryFn: async ({ signal }) => await client.perform(readAgreementOperation, { set }, { signal }),
  });
}

/** Filter of tasks: those that need a decision, or those of a state. */
export type TaskChoice = 'labeled' | 'disagreed' | 'open' | 'accepted' | 'rejected';

export interface LabelTasks {
  /** Undefined while the first page loads. */
  readonly tasks: readonly LabelTask[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export function useLabelTasks(project: string, set: string, choice: TaskChoice): LabelTasks {
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: [...labelsKey(project, set), 'tasks', choice],
    queryFn: async ({ pageParam, signal }) =>
      await client.perform(
        listLabelTasksOperation,
        {
          set,
          limit: TASKS,
          ...(choice === 'disagreed' ? { state: 'labeled', disagreed: 'true' } : { state: choice }),
          ...(pageParam !== undefined && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
  });
  return {
    tasks: found.data?.pages.flatMap(({ items }) => items),
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetching,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}
