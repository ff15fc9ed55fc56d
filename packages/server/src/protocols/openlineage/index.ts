/** The protocol of OpenLineage's clients: events become nodes and edges of the lineage. */
import { DaisError, schemaIssues } from '@dais/api';
import {
  lineageEventSchema,
  recordLineageBatchOperation,
  recordLineageOperation,
  type LineageEvent,
} from '@dais/api/lineage';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { keyOf, recordExternal, type NodeSource } from '#ledgers/lineage/index.ts';
import { factsOf, problemOf, type Facts } from './event-facts.ts';

export { runEvent } from './run-event.ts';

/** @param runs the ledger of Dais's own runs: an external event about one of them does not create a second run */
export function openLineageEntries(runs: NodeSource): readonly OperationEntry[] {
  return [
    entry(recordLineageOperation, async (tx, { input: { event } }) => {
      const problem = problemOf(event);
      if (problem !== undefined) {
        throw new DaisError('invalid_request', `The event is not valid: ${problem.path}: ${problem.message}.`, {
          issues: [problem],
        });
      }
      await record(tx, [event], runs);
      return {};
    }),
    entry(recordLineageBatchOperation, async (tx, { input: { events } }) => {
      const read = events.map(readEvent);
      const valid = read.flatMap((one) => ('event' in one ? one.event : []));
      await record(tx, valid, runs);
      const failed = read.flatMap((one, index) =>
        'reason' in one ? [{ index, reason: one.reason, retriable: false }] : [],
      );
      return {
        status: failed.length === 0 ? ('success' as const) : ('partial_success' as const),
        summary: {
          received: events.length,
          successful: valid.length,
          failed: failed.length,
          retriable: 0,
          non_retriable: failed.length,
        },
        failed_events: failed,
      };
    }),
  ];
}

function readEvent(raw: unknown): { readonly event: LineageEvent } | { readonly reason: string } {
  const result = lineageEventSchema.safeParse(raw);
  if (!result.success) {
    const [issue] = schemaIssues(result.error, lineageEventSchema, raw);
    return { reason: issue === undefined ? 'is not valid' : `${issue.path}: ${issue.message}` };
  }
  const problem = problemOf(result.data);
  return problem === undefined ? { event: result.data } : { reason: `${problem.path}: ${problem.message}` };
}

async function record(tx: Transaction, events: readonly LineageEvent[], runs: NodeSource): Promise<void> {
  const all = events.map(factsOf);
  const own = await ownRuns(tx, all, runs);
  // In the order of event times: a statement must not contain a row twice, and locks are acquired in one order.
  for (const facts of all.toSorted((a, b) => a.at - b.at)) await recordExternal(tx, withOwn(facts, own));
}

/** Ids of runs of Dais are 32 hexadecimal digits, and leave as the UUID of the same digits. */
async function ownRuns(tx: Transaction, all: readonly Facts[], runs: NodeSource): Promise<ReadonlyMap<string, string>> {
  const byId = new Map(
    all.flatMap((facts) => [...facts.runs].map(([key, id]) => [id.replaceAll('-', '').toLowerCase(), key] as const)),
  );
  if (byId.size === 0) return new Map();
  const known = await runs.describe(tx, [...byId.keys()]);
  return new Map([...known.keys()].map((id) => [byId.get(id) ?? '', keyOf('run', id)]));
}

function withOwn({ nodes, edges, at }: Facts, own: ReadonlyMap<string, string>) {
  if (own.size === 0) return { nodes, edges, at };
  const named = (key: string) => own.get(key) ?? key;
  return {
    nodes: nodes.filter(({ key }) => !own.has(key)),
    edges: edges.map(({ from, to, relation }) => ({ from: named(from), to: named(to), relation })),
    at,
  };
}
