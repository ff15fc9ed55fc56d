/** Evaluates what the agent of the pod that runs the command reported, and joins it with the reason that the cluster shows. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { AgentReport, AttemptFacts, CommandReport } from './attempt-facts.ts';
import type { EndedState, FinalState } from './attempt-state.ts';
import type { PodObject } from './cluster-objects.ts';
import { SECOND_SOURCE_MS, type ObservationClock } from './observation-clock.ts';
import { disturbance, lost } from './pod-end.ts';
import type { Stop } from './stop-reason.ts';

/** The end, or what it waits for. Undefined while only the status of the pod can explain the end. */
type ReportedEnd = { readonly end: FinalState } | { readonly note: string } | undefined;

export function evaluateReport(
  facts: AttemptFacts,
  report: AgentReport,
  { pod, stop }: { readonly pod: PodObject | undefined; readonly stop: Stop | undefined },
  clock: ObservationClock,
): ReportedEnd {
  if (report.outcome === 'refused') return { end: { phase: 'refused', reason: report.reason } };
  if (report.outcome === 'lost') return { end: lost(report.kind, report.reason) };
  if (report.outcome === 'shim-gone') return undefined;
  const isFailed = report.end === 'exit' && report.code !== 0;
  const isStopped = (isFailed && report.isInterrupted) || report.end === 'canceled';
  if (!isStopped || stop?.cause === 'canceled') return { end: endOf(report, facts) };
  // The exit code of a command that was stopped from outside, or by an order that follows from that, is no failure of it.
  const end = stop?.end ?? disturbance({ facts, pod });
  if (end !== undefined) return { end };
  if (!clock.hasLasted('interrupted', SECOND_SOURCE_MS)) return { note: 'was stopped from outside' };
  const reason =
    pod === undefined || pod.metadata.deletionTimestamp !== undefined
      ? 'Its pod was deleted while it ran, by a person or by a program of the cluster.'
      : 'Its container was stopped from outside while it ran, and Kubernetes shows no reason.';
  return { end: lost('deleted', reason) };
}

function endOf(report: CommandReport, { task }: AttemptFacts): EndedState {
  const { outcome: _outcome, isInterrupted: _isInterrupted, memoryKills, ...end } = report;
  const { podUid: _podUid, round: _round, ...fields } = end as typeof end & Partial<AgentReport>;
  const failed = report.signal !== undefined || report.code !== 0;
  if (memoryKills === 0 || report.end !== 'exit' || !failed) return { phase: 'ended', ...fields };
  const memory = task.resources['memory'] ?? task.limits.memoryBytes;
  const limit = memory === undefined ? '' : ` of ${byteText(memory)}`;
  const how = report.signal === undefined ? `exited with code ${report.code}` : `terminated by ${report.signal}`;
  const cause = `the kernel had killed a child process because of the memory limit${limit}`;
  return { phase: 'ended', ...fields, detail: `${how}: ${cause}. Request more with \`resources.memory\`` };
}
