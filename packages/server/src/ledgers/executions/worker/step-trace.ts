/** Records an attempt as a span. The trace id is the id of the run without dashes, so that each can be found from the other. */
import { traceparentOf, type Tracer } from '#lib/telemetry/tracer.ts';
import type { AttemptClaim } from './attempts.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';

/** Returns the variables that make the spans of the programs of a step children of the attempt. */
export function stepTrace(
  tracer: Tracer | undefined,
  { run, id }: Pick<AttemptClaim, 'run' | 'id'>,
): Readonly<Record<string, string>> {
  return tracer === undefined ? {} : { TRACEPARENT: traceparentOf(tracer.contextOf(run, id)) };
}

export function traceStep(
  { tracer, clock }: Pick<ExecutionDependencies, 'tracer' | 'clock'>,
  { run, id, n }: Pick<AttemptClaim, 'run' | 'id' | 'n'>,
  { from, name, end }: { readonly from: number; readonly name: string; readonly end: string },
): void {
  tracer?.record({
    context: tracer.contextOf(run, id),
    name: `step ${name}`,
    // After a takeover, the time since this process has held the lease.
    startMs: from,
    durationMs: clock.now() - from,
    failed: end === 'failed' || end === 'lost',
    kind: 'internal',
    attributes: { 'dais.execution': run, 'dais.attempt': id, 'dais.attempt.number': n, 'dais.step.end': end },
  });
}
