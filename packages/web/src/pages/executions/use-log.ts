/** The live output of a step. */
import type { DaisError } from '@dais/api';
import { followExecutionLogOperation } from '@dais/api/executions';
import { useEffect, useState } from 'react';
import { useClient } from '#server/console-context.ts';
import { appendLog, NO_LINES, type LogLines } from '#ui/log/log-lines.ts';

/** Output within this time is shown together. */
const GATHER_MS = 100;

export interface RunLog {
  readonly log: LogLines;
  readonly ended: boolean;
  /** The attempt with the latest output. */
  readonly last: string | undefined;
  readonly error: DaisError | undefined;
}

const NOTHING: RunLog = { log: NO_LINES, ended: false, last: undefined, error: undefined };

/** `attempt`: undefined for the latest and those after it. Callers need a key of both. */
export function useLog(project: string, id: string, node: string, attempt: string | undefined): RunLog {
  const client = useClient(project);
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    const stop = new AbortController();
    let [gathered, ended, last] = ['', false, undefined as string | undefined];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      const text = gathered;
      gathered = '';
      setState((before) => ({ log: appendLog(before.log, text), ended, last, error: undefined }));
    };
    const follow = async () => {
      const input = { id, node, ...(attempt !== undefined && { attempt }) };
      for await (const frame of client.follow(followExecutionLogOperation, input, { signal: stop.signal })) {
        if (last !== undefined && frame.attempt !== last && frame.attempt !== undefined) gathered += '\n── retry ──\n';
        last = frame.attempt ?? last;
        gathered += frame.text;
        ({ ended } = frame);
        timer ??= setTimeout(show, GATHER_MS);
        if (ended) return;
      }
    };
    follow().catch((error: unknown) => {
      if (!stop.signal.aborted) setState((before) => ({ ...before, error: error as DaisError }));
    });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [client, id, node, attempt]);
  return state;
}
