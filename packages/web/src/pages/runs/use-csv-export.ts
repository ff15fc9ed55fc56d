/** Exports all runs of a query as a file, page by page: the browser holds the text, not the runs. */
import { countNoun, DaisError } from '@dais/api';
import { searchRunsOperation } from '@dais/api/tracking';
import { useMutation } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { RunsCsv } from './runs-csv.ts';
import type { RunsOf } from './use-runs.ts';
import { useClient } from '#server/console-context.ts';
import { toast } from '#ui/toast.ts';

const PAGE = 1000;
/** Maximum number of exported runs: more would be several hundred MB of text. */
const MOST = 200_000;

export interface CsvExport {
  readonly start: () => void;
  readonly stop: () => void;
  /** Number of read runs during the export. */
  readonly read: number | undefined;
  readonly error: DaisError | null;
}

export function useCsvExport({ project, experiments, query }: RunsOf): CsvExport {
  const client = useClient(project);
  const [read, setRead] = useState<number>();
  const stop = useRef<AbortController>(undefined);
  const { mutate, error } = useMutation<void, DaisError>({
    mutationFn: async () => {
      const { signal } = (stop.current = new AbortController());
      const csv = new RunsCsv();
      const { filter, orderBy, view } = query;
      const input = { experimentIds: [...(experiments ?? [])], filter, orderBy: [...orderBy], view, limit: PAGE };
      let cursor: string | undefined;
      do {
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(searchRunsOperation, { ...input, ...(cursor && { cursor }) }, { signal });
        for (const run of page.items) csv.add(run);
        setRead(csv.rows);
        cursor = page.nextCursor;
      } while (cursor !== undefined && csv.rows < MOST);
      save(csv.text(), `runs-${(experiments ?? []).slice(0, 3).join('-')}.csv`);
      toast({
        title: `${countNoun(csv.rows, 'run')} exported`,
        ...(cursor !== undefined && {
          text: 'The export is truncated. Use the API to read all runs.',
          state: 'waiting',
        }),
      });
    },
    onSettled: () => setRead(undefined),
  });
  return {
    start: () => {
      setRead(0);
      mutate();
    },
    stop: () => stop.current?.abort(),
    read,
    // A stopped export is not a failure.
    error: error instanceof DaisError ? error : null,
  };
}

function save(parts: readonly string[], name: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
