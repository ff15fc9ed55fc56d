/** Decisions about findings. */
import { DaisError, eventTypes, type Actor, type EventType, type MaskMethod } from '@dais/api';
import type {
  DataFinding,
  listAllFindingsOperation,
  listFindingsOperation,
  reopenFindingOperation,
  resolveFindingOperation,
  waiveFindingOperation,
} from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { declaredColumns, declaredIn, emitAbout, requireDatasetResource } from './datasets.ts';
import {
  listFindingRows,
  lockFinding,
  presentFinding,
  stateAt,
  visibleDatasets,
  type FindingPosition,
  type FindingRow,
} from './finding-rows.ts';

const DAY_MS = 86_400_000;

interface ListInput {
  readonly state?: string;
  readonly limit: number;
  readonly cursor?: string;
}

type Page = Promise<{ items: readonly DataFinding[]; nextCursor?: string }>;

export async function listFindings(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listFindingsOperation>,
  now: number,
): Page {
  const { uid } = await requireDatasetResource(tx, input.name);
  return await page(tx, [tenant.id, uid, input.state ?? ''], input, { now, dataset: uid });
}

export async function listAllFindings(
  tx: Transaction,
  { input, tenant, rows }: CallOf<typeof listAllFindingsOperation>,
  now: number,
): Page {
  const datasets = rows === undefined ? undefined : await visibleDatasets(tx.sql, tenant.id, rows);
  return await page(tx, [tenant.id, 'all', input.state ?? ''], input, { now, datasets });
}

interface Of {
  readonly now: number;
  readonly dataset?: string;
  readonly datasets?: readonly string[] | undefined;
}

async function page(tx: Transaction, filter: readonly string[], { state, limit, cursor }: ListInput, of: Of): Page {
  const position = findingPosition(decodePageCursor(filter, cursor));
  const found = await listFindingRows(tx.sql, tx.projectId, { ...of, state, position, limit: limit + 1 });
  const { page: rows, next } = cutPage(found, limit, filter, (row) => `${row.found_at} ${row.id}`);
  const declared = await declaredColumns(
    tx.sql,
    rows.map((row) => row.dataset),
  );
  const isDeclared = (row: FindingRow) =>
    declared.get(row.dataset)?.some(({ column }) => column === row.column) === true;
  return { items: rows.map((row) => presentFinding(row, of.now, isDeclared(row))), ...next };
}

/** Decodes a cursor. @throws DaisError `invalid_cursor` */
function findingPosition(text: string | undefined): FindingPosition | undefined {
  if (text === undefined) return undefined;
  const [, at, id] = /^(\d{1,18}) ([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/.exec(text) ?? [];
  if (at === undefined || id === undefined)
    throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
  return { at, id };
}

export async function resolveFinding(
  tx: Transaction,
  call: CallOf<typeof resolveFindingOperation>,
  now: number,
): Promise<DataFinding> {
  const { mask, reason } = call.input;
  const data = { mask, reason };
  return await decide(tx, call, { state: 'resolved', mask, reason, now, event: eventTypes.findingResolved, data });
}

export async function waiveFinding(
  tx: Transaction,
  call: CallOf<typeof waiveFindingOperation>,
  now: number,
): Promise<DataFinding> {
  const { reason, days } = call.input;
  const expires = days === undefined ? {} : { expiresAt: now + days * DAY_MS };
  const data = { reason, ...expires };
  return await decide(tx, call, { state: 'waived', reason, now, ...expires, event: eventTypes.findingWaived, data });
}

/** Reopens a finding. @throws DaisError `invalid_state` for one without a decision */
export async function reopenFinding(
  tx: Transaction,
  call: CallOf<typeof reopenFindingOperation>,
  now: number,
): Promise<DataFinding> {
  const { reason } = call.input;
  return await decide(tx, call, { state: 'open', reason, now, event: eventTypes.findingReopened, data: { reason } });
}

interface Decision {
  readonly state: 'open' | 'resolved' | 'waived';
  readonly mask?: MaskMethod;
  readonly reason: string;
  readonly expiresAt?: number;
  readonly now: number;
  readonly event: EventType;
  readonly data: Readonly<Record<string, unknown>>;
}

async function decide(
  tx: Transaction,
  {
    input,
    context,
  }: CallOf<typeof reopenFindingOperation | typeof resolveFindingOperation | typeof waiveFindingOperation>,
  { state, mask, reason, expiresAt, now, event, data }: Decision,
): Promise<DataFinding> {
  const dataset = await requireDatasetResource(tx, input.name);
  const row = await lockFinding(tx.sql, dataset.uid, input.finding);
  if (row.state === 'gone') {
    throw new DaisError(
      'invalid_state',
      'The newest version no longer contains this finding, so there is nothing to decide.',
    );
  }
  const declared = declaredIn(dataset).some(({ column }) => column === row.column);
  if (stateAt(row, now) === state && state === 'open') {
    throw new DaisError('invalid_state', 'The finding is open. No decision has been made yet.');
  }
  const { type, id } = context.principal;
  const by: Actor = { type, id };
  await tx.sql.query(
    `update privacy.finding set state = $2, mask = $3, reason = $4, expires_at = $5, decided_by = $6, decided_at = $7
     where id = $1`,
    [row.id, state, mask ?? null, reason, expiresAt ?? null, JSON.stringify(by), now],
    'decide_finding',
  );
  emitAbout(tx, dataset, event, { finding: row.id, column: row.column, entity: row.entity, ...data });
  return presentFinding(await lockFinding(tx.sql, dataset.uid, row.id), now, declared);
}
