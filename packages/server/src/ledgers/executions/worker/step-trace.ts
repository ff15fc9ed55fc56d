/** An attempt at a step as a span. The trace is the run: its id without dashes, so that whoever has one finds the other. */
import { traceparentOf, type Tracer } from '#lib/telemetry/tracer.ts';
import type { AttemptClaim } from '../attempts.ts';
import type { ExecutionParts } from '../execution-parts.ts';

/** What a step finds in its environment: spans and calls of its own programs belong below the attempt. */
export function stepTrace(
  tracer: Tracer | undefined,
  { run, id }: Pick<AttemptClaim, 'run' | 'id'>,
): Readonly<Record<string, string>> {
  return tracer === undefined ? {} : { TRACEPARENT: traceparentOf(tracer.contextOf(run, id)) };
}

export function traceStep(
  { tracer, clock }: Pick<ExecutionParts, 'tracer' | 'clock'>,
  { run, id, n }: Pick<AttemptClaim, 'run' | 'id' | 'n'>,
  { from, name, end }: { readonly from: number; readonly name: string; readonly end: string },
): void {
  tracer?.record({
    context: tracer.contextOf(run, id),
    name: `step ${name}`,
    // Of an attempt that another process began: since this one has had it.
    startMs: from,
    durationMs: clock.now() - from,
    failed: end === 'failed' || end === 'lost',
    kind: 'internal',
    attributes: { 'dais.execution': run, 'dais.attempt': id, 'dais.attempt.number': n, 'dais.step.end': end },
  });
}
