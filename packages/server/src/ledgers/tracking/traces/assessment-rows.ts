/** Reads rows of assessments, and converts them to records. */
import type { Assessment, AssessmentKind } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';

export interface AssessmentRow {
  readonly trace: bigint;
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly value: string | null;
  readonly error: Assessment['error'] | null;
  readonly span: string | null;
  readonly source_type: string;
  readonly source_id: string;
  readonly rationale: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly overrides: string | null;
  readonly valid: boolean;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

export const ASSESSMENT_COLUMNS =
  'trace, id, name, kind, value, error, span, source_type, source_id, rationale, metadata, overrides, valid, created_at, updated_at' as const;

export function assessmentOf(traceId: string, row: AssessmentRow): Assessment {
  return {
    id: row.id,
    traceId,
    ...(row.span !== null && { spanId: row.span }),
    name: row.name,
    kind: row.kind as AssessmentKind,
    value: row.value === null ? null : (JSON.parse(row.value) as unknown),
    ...(row.error !== null && row.error !== undefined && { error: row.error }),
    source: { type: row.source_type, id: row.source_id },
    ...(row.rationale !== null && { rationale: row.rationale }),
    metadata: row.metadata,
    ...(row.overrides !== null && { overrides: row.overrides }),
    valid: row.valid,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

/** Returns the assessments of several traces, in the order in which they arrived. */
export async function assessmentsOf(
  { sql }: Transaction,
  traces: readonly { readonly num: bigint; readonly id: string }[],
): Promise<ReadonlyMap<bigint, Assessment[]>> {
  const found = new Map<bigint, Assessment[]>();
  if (traces.length === 0) return found;
  const ids = new Map(traces.map(({ num, id }) => [num, id]));
  const rows = await sql.query<AssessmentRow>(
    `select ${ASSESSMENT_COLUMNS} from tracking.assessment where trace = any($1) order by trace, seq`,
    [[...ids.keys()]],
    'assessments_of',
  );
  for (const row of rows) {
    const list = found.get(row.trace) ?? [];
    found.set(row.trace, list);
    list.push(assessmentOf(ids.get(row.trace) ?? '', row));
  }
  return found;
}
