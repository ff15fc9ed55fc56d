/** Operations on assessments of traces: feedback of people and programs, and expectations. */
import { DaisError } from '@dais/api';
import {
  createAssessmentOperation,
  deleteAssessmentOperation,
  readAssessmentOperation,
  updateAssessmentOperation,
  type Assessment,
  type AssessmentKind,
  type NewAssessment,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { ASSESSMENT_COLUMNS, assessmentOf, type AssessmentRow } from './assessment-rows.ts';
import { lockTrace, requireTrace } from './trace-rows.ts';

interface Named {
  readonly traceId: string;
  readonly id: string;
}

interface Change extends Named {
  readonly name?: string;
  readonly kind?: AssessmentKind;
  readonly value?: unknown;
  readonly error?: Assessment['error'] | null;
  readonly rationale?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Limit per trace, because all are read with it. */
const MOST = 1000;
const LONGEST_VALUE = 65_536;

export function assessmentEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(createAssessmentOperation, async (tx, { input: { traceId, ...given } }) => {
      const trace = await lockTrace(tx, traceId);
      if (given.overrides !== undefined) await overrule(tx, trace, traceId, given.overrides);
      const [row] = await insertAssessments(tx, trace, [given], dependencies);
      if (row === undefined) {
        throw new DaisError('already_exists', `Trace "${traceId}" already has an assessment "${given.id}".`);
      }
      return assessmentOf(traceId, row);
    }),
    entry(readAssessmentOperation, async (tx, { input }) => {
      const { num } = await requireTrace(tx, input.traceId);
      return assessmentOf(input.traceId, await requireAssessment(tx, num, input));
    }),
    entry(
      updateAssessmentOperation,
      async (tx, { input }) => await updateAssessment(tx, input, dependencies.clock.now()),
    ),
    entry(deleteAssessmentOperation, async (tx, { input }) => {
      const trace = await lockTrace(tx, input.traceId);
      const [gone] = await tx.sql.query<{ overrides: string | null }>(
        'delete from tracking.assessment where trace = $1 and id = $2 returning overrides',
        [trace, input.id],
        'delete_assessment',
      );
      if (gone?.overrides != null) {
        // Unless another correction of it exists.
        await tx.sql.query(
          `update tracking.assessment a set valid = true where trace = $1 and id = $2 and not exists
               (select from tracking.assessment b where b.trace = $1 and b.overrides = $2)`,
          [trace, gone.overrides],
          'revive_assessment',
        );
      }
      return {};
    }),
  ];
}

function noAssessment({ traceId, id }: Named): DaisError {
  return new DaisError('not_found', `Trace "${traceId}" has no assessment "${id}".`);
}

async function requireAssessment({ sql }: Transaction, trace: bigint, named: Named): Promise<AssessmentRow> {
  const [row] = await sql.query<AssessmentRow>(
    `select ${ASSESSMENT_COLUMNS} from tracking.assessment where trace = $1 and id = $2`,
    [trace, named.id],
    'assessment_by_id',
  );
  if (row === undefined) throw noAssessment(named);
  return row;
}

async function overrule({ sql }: Transaction, trace: bigint, traceId: string, id: string): Promise<void> {
  const rows = await sql.query(
    'update tracking.assessment set valid = false where trace = $1 and id = $2 returning 1',
    [trace, id],
    'overrule_assessment',
  );
  if (rows.length === 0) throw noAssessment({ traceId, id });
}

/**
 * Inserts assessments and returns the new ones; existing ids are skipped. The caller holds the lock of the trace.
 * @throws DaisError `invalid_request` for a value that is too long, `too_large` when the trace would have too many.
 */
export async function insertAssessments(
  tx: Transaction,
  trace: bigint,
  given: readonly NewAssessment[],
  { clock, random }: Pick<TrackingDependencies, 'clock' | 'random'>,
): Promise<AssessmentRow[]> {
  if (given.length === 0) return [];
  const now = clock.now();
  const rows = given.map((one) => ({
    id: one.id ?? `a-${random(16).toString('hex')}`,
    name: one.name,
    kind: one.kind,
    value: valueText(one.value),
    error: one.error ?? null,
    span: one.spanId ?? null,
    source_type: one.source.type,
    source_id: one.source.id,
    rationale: one.rationale ?? null,
    metadata: one.metadata ?? {},
    overrides: one.overrides ?? null,
    created_at: one.createdAt ?? now,
    updated_at: one.updatedAt ?? now,
  }));
  const written = await tx.sql.query<AssessmentRow>(
    `insert into tracking.assessment
       (trace, project_id, id, name, kind, value, error, span, source_type, source_id, rationale, metadata, overrides, valid, created_at, updated_at)
     select $1, $2, n.id, n.name, n.kind, n.value, n.error, n.span, n.source_type, n.source_id, n.rationale, n.metadata, n.overrides, true, n.created_at, n.updated_at
     from jsonb_to_recordset($3::jsonb) n (id text, name text, kind text, value text, error jsonb, span text,
       source_type text, source_id text, rationale text, metadata jsonb, overrides text, created_at bigint, updated_at bigint)
     on conflict (trace, id) do nothing returning ${ASSESSMENT_COLUMNS}`,
    [trace, tx.projectId, JSON.stringify(rows)],
    'insert_assessments',
  );
  const [count] = await tx.sql.query<{ n: number }>(
    'select count(*)::int as n from tracking.assessment where trace = $1',
    [trace],
    'count_assessments',
  );
  if ((count?.n ?? 0) > MOST)
    throw new DaisError('too_large', `A trace can have at most ${MOST} assessments. Delete some first.`);
  return written;
}

async function updateAssessment(tx: Transaction, change: Change, now: number): Promise<Assessment> {
  const trace = await lockTrace(tx, change.traceId);
  const before = await requireAssessment(tx, trace, change);
  if (change.kind !== undefined && change.kind !== before.kind) {
    throw new DaisError(
      'invalid_request',
      `The assessment has the kind ${before.kind}, so its value cannot have the kind ${change.kind}.`,
    );
  }
  const { error } = change;
  const row: AssessmentRow = {
    ...before,
    name: change.name ?? before.name,
    value: change.value === undefined ? before.value : valueText(change.value),
    error: error === undefined ? before.error : error,
    rationale: change.rationale ?? before.rationale,
    metadata: { ...before.metadata, ...change.metadata },
    updated_at: BigInt(Math.max(now, Number(before.created_at))),
  };
  await tx.sql.query(
    `update tracking.assessment set name = $3, value = $4, error = $5::jsonb, rationale = $6, metadata = $7::jsonb, updated_at = $8
     where trace = $1 and id = $2`,
    [
      trace,
      change.id,
      row.name,
      row.value,
      row.error === null ? null : JSON.stringify(row.error),
      row.rationale,
      JSON.stringify(row.metadata),
      row.updated_at,
    ],
    'update_assessment',
  );
  return assessmentOf(change.traceId, row);
}

/** @throws DaisError `invalid_request` for a value that is too long. */
function valueText(value: unknown): string | null {
  if (value === undefined) return null;
  const text = JSON.stringify(value);
  if (text.length > LONGEST_VALUE) {
    throw new DaisError(
      'invalid_request',
      `The value of the assessment has ${text.length} characters as JSON, and the limit is ${LONGEST_VALUE}.`,
    );
  }
  return text;
}
