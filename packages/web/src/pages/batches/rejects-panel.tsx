import type { DaisError } from '@dais/api';
import { readModelJobRejectsOperation, type ModelJob, type ModelJobProblem } from '@dais/api/serving';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { splitLines } from './batch-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

const PAGE = 100;

interface Lines {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly decoder: TextDecoder;
  waiting: string[];
  rest: string;
  over: boolean;
}

/** Rows that the model rejected, read in pages: the file can have millions. */
export function RejectsPanel({ project, job }: { readonly project: string; readonly job: ModelJob }) {
  const client = useClient(project);
  const dataset = job.data?.split('@')[0];
  const why = useWhyNotDo(project, 'Dataset', ['dataset:unmask'], dataset)('dataset:unmask');
  const open = useRef<Lines>(undefined);
  useEffect(() => () => void open.current?.reader.cancel(), []);
  const found = useInfiniteQuery({
    queryKey: ['model job rejects', project, job.id],
    queryFn: async ({
      pageParam,
    }): Promise<{ readonly problems: readonly ModelJobProblem[]; readonly next: number | undefined }> => {
      // The first page restarts the stream: bytes arrive in order only.
      if (pageParam === 0 || open.current === undefined) {
        await open.current?.reader.cancel();
        const { bytes } = await client.download(readModelJobRejectsOperation, { id: job.id });
        open.current = { reader: bytes.getReader(), decoder: new TextDecoder(), waiting: [], rest: '', over: false };
      }
      const lines = await take(open.current, PAGE);
      const next = open.current.over && open.current.waiting.length === 0 ? undefined : pageParam + 1;
      return { problems: lines.map((line) => JSON.parse(line) as ModelJobProblem), next };
    },
    initialPageParam: 0,
    getNextPageParam: ({ next }) => next,
    enabled: why === undefined,
    retry: false,
    staleTime: Infinity,
  });
  const problems = found.data?.pages.flatMap((page) => page.problems);
  const error = found.error as DaisError | null;
  return (
    <Panel title="Rejected rows" flush>
      {why !== undefined && <p className="batches-why">{why}</p>}
      {error !== null && <ErrorNote error={error} retry={() => void found.refetch()} />}
      {problems === undefined ? (
        why === undefined && error === null && <Skeleton rows={4} />
      ) : (
        <PlainTable
          label="Row errors"
          rows={problems}
          keyOf={({ row }) => row}
          columns={[
            { title: 'Row', narrow: true, cell: ({ row }) => row.toLocaleString('en') },
            { title: 'Column', narrow: true, cell: ({ column }) => column ?? '' },
            { title: 'Error', cell: ({ message }) => message },
          ]}
        />
      )}
      {found.hasNextPage && (
        <p className="batches-why">
          <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            Show more rows
          </Button>
        </p>
      )}
    </Panel>
  );
}

/** Returns the next lines; fewer only at the end. */
async function take(lines: Lines, count: number): Promise<readonly string[]> {
  while (lines.waiting.length < count && !lines.over) {
    // oxlint-disable-next-line no-await-in-loop -- one chunk after another
    const { value, done } = await lines.reader.read();
    lines.over = done;
    const { lines: whole, rest } = splitLines(lines.rest + lines.decoder.decode(value, { stream: !done }));
    lines.waiting.push(...whole);
    lines.rest = rest;
  }
  return lines.waiting.splice(0, count);
}
