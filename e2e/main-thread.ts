/** CPU time of a page's main thread, by Chromium's own trace, so that other processes do not count. */
import type { Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Milliseconds of CPU time of each task of the page's main thread during `act`, longest first. */
export async function tasksOf(page: Page, act: () => Promise<void>): Promise<readonly number[]> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser');
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', '__metadata'] });
  let trace: Buffer;
  try {
    await act();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { readonly traceEvents: readonly TraceEvent[] };
  const mains = traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const isTask = ({ name, ph }: TraceEvent) =>
    ph === 'X' && (name === 'RunTask' || name === 'ThreadControllerImpl::RunTask');
  const busiest = mains
    .map(({ pid, tid }) => traceEvents.filter((event) => event.pid === pid && event.tid === tid && isTask(event)))
    .toSorted((a, b) => b.length - a.length)[0];
  return (busiest ?? []).map(({ tdur = 0 }) => tdur / 1000).toSorted((a, b) => b - a);
}
