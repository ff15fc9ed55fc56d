/** Stored findings, and their effective state. */
import { DaisError, type Actor, type MaskMethod } from '@dais/api';
import { type DataFinding, type FindingState } from '@dais/api/data';
import type { Sql } from '#engines/database/contract.ts';
import type { RowFilter } from '#kernel/principal.ts';
import { listResources } from '#kernel/store.ts';

/** Maximum number of datasets per read for callers with restricted visibility. */
const LISTED = 500;

export interface FindingRow {
  readonly id: string;
  readonly dataset: string;
  readonly name: string;
  readonly column: string;
  readonly entity: string;
  readonly confidence: number;
  readonly share: number;
  readonly evidence: DataFinding['evidence'];
  readonly example: string | null;
  readonly state: FindingState;
  readonly mask: MaskMethod | null;
  readonly first_version: number;
  readonly last_version: number;
  readonly found_at: bigint;
  readonly decided_by: Actor | null;
  readonly decided_at: bigint | null;
  readonly reason: string | null;
  readonly expires_at: bigint | null;
}

const COLUMNS = `f.id, f.dataset, f.name, f."column", f.entity, f.confidence, f.share, f.evidence, f.example, f.state, f.mask,
  f.first_version, f.last_version, f.found_at, f.decided_by, f.decided_at, f.reason, f.expires_at`;

/** Reopens a finding with an expired waiver; `now` is $1. */
const STATE_NOW = `case when f.state = 'waived' and f.expires_at <= $1 then 'open' else f.state end`;

/** The effective state at `now`. */
export function stateAt({ state, expires_at: expires }: Pick<FindingRow, 'state' | 'expires_at'>, now: number) {
  return state === 'waived' && expires !== null && Number(expires) <= now ? 'open' : state;
}

export function presentFinding(row: FindingRow, now: number, declared: boolean): DataFinding {
  const { decided_by: by, decided_at: at, expires_at: expires } = row;
  return {
    id: row.id,
    dataset: row.name,
    column: row.column,
    entity: row.entity,
    confidence: Math.round(row.confidence * 100) / 100,
    share: Math.round(row.share * 10_000) / 10_000,
    evidence: row.evidence,
    ...(row.example !== null && { example: row.example }),
    state: stateAt(row, now),
    ...(row.mask !== null && { mask: row.mask }),
    declared,
    firstVersion: row.first_version,
    lastVersion: row.last_version,
    foundAt: Number(row.found_at),
    ...(by !== null && { decidedBy: by }),
    ...(at !== null && { decidedAt: Number(at) }),
    ...(row.reason !== null && { reason: row.reason }),
    ...(expires !== null && { expiresAt: Number(expires) }),
  };
}

/** The position after the last row of a page. */
export interface FindingPosition {
  readonly at: string;
  readonly id: string;
}

export interface FindingPage {
  readonly now: number;
  readonly dataset?: string | undefined;
  readonly state: string | undefined;
  readonly position: FindingPosition | undefined;
  readonly limit: number;
  /** Uids of visible datasets; undefined for all. */
  readonly datasets?: readonly string[] | undefined;
}

export async function listFindingRows(sql: Sql, projectId: string, page: FindingPage): Promise<readonly FindingRow[]> {
  const { now, dataset, state, position, limit, datasets } = page;
  return await sql.query<FindingRow>(
    `select ${COLUMNS} from privacy.finding f
     where f.project_id = $2 and ($3::uuid is null or f.dataset = $3) and ($4::text is null or ${STATE_NOW} = $4)
       and ($5::bigint is null or (f.found_at, f.id) < ($5, $6::uuid)) and ($7::uuid[] is null or f.dataset = any($7))
     order by f.found_at desc, f.id desc limit $8`,
    [
      now,
      projectId,
      dataset ?? null,
      state ?? null,
      position?.at ?? null,
      position?.id ?? null,
      datasets ?? null,
      limit,
    ],
    'list_findings',
  );
}

/** Lists findings of a dataset, without those that are gone. */
export async function findingsOf(sql: Sql, dataset: string): Promise<readonly FindingRow[]> {
  return await sql.query<FindingRow>(
    `select ${COLUMNS} from privacy.finding f where f.dataset = $1 and f.state <> 'gone' order by f."column", f.entity`,
    [dataset],
    'findings_of_dataset',
  );
}

/** Locks a finding until the transaction ends. @throws DaisError `not_found`. */
export async function lockFinding(sql: Sql, dataset: string, id: string): Promise<FindingRow> {
  const [row] = await sql.query<FindingRow>(
    `select ${COLUMNS} from privacy.finding f where f.dataset = $1 and f.id = $2 for update`,
    [dataset, id],
    'lock_finding',
  );
  if (row === undefined) throw new DaisError('not_found', `The dataset has no finding ${id}.`);
  return row;
}

/** Returns the uids of datasets of a project that the caller may see. */
export async function visibleDatasets(sql: Sql, projectId: string, rows: RowFilter): Promise<readonly string[]> {
  const uids: string[] = [];
  for (let after = '', full = true; full;) {
    const filter = { equal: {}, notEqual: [], present: [], absent: [] };
    const found = await listResources(sql, { projectId, kind: 'Dataset', after, limit: LISTED, rows, ...filter });
    uids.push(...found.map(({ uid }) => uid));
    after = found.at(-1)?.name ?? after;
    full = found.length === LISTED;
  }
  return uids;
}
