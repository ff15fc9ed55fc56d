/** Lists models whose newest version is blocked by its scan. */
import { DaisError } from '@dais/api';
import type { BlockedVersion, listBlockedVersionsOperation } from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { newestVersions, visibleModels } from '#ledgers/registry/index.ts';
import { moreFindings } from './scan-rows.ts';

interface BlockedRow {
  readonly version_key: string;
  /** The uid of the Model resource. */
  readonly model: string;
  readonly version: number;
  readonly error: string | null;
  readonly ended_at: bigint;
  readonly findings: number;
  readonly first: string | null;
}

/** Lists blocked versions. @throws DaisError `invalid_cursor`. */
export async function listBlockedVersions(
  tx: Transaction,
  { input, tenant, rows: visible }: CallOf<typeof listBlockedVersionsOperation>,
): Promise<{ items: readonly BlockedVersion[]; nextCursor?: string }> {
  const { limit, cursor } = input;
  const filter = [tenant.id, 'blocked'];
  const position = placeOf(decodePageCursor(filter, cursor));
  const uids = visible === undefined ? null : await visibleModels(tx, tenant.id, visible);
  const found = await tx.sql.query<BlockedRow>(
    `select * from (
       select distinct on (s.model) s.version_key, s.model, s.version, s.error, s.ended_at, f.findings, f.first
       from safety.scan s
       cross join lateral (
         select count(*)::int as findings, min(file || ': ' || detail) as first from safety.finding
         where version_key = s.version_key and state = 'open' and severity = 'block') f
       where s.project_id = $1 and s.ended_at is not null
         and (s.state = 'failed' or (s.state = 'succeeded' and f.findings > 0))
         and s.version_key in (
           select version_key from safety.finding where project_id = $1 and state = 'open' and severity = 'block'
           union all select version_key from safety.scan where project_id = $1 and state = 'failed')
         and ($2::uuid[] is null or s.model = any($2))
       order by s.model, s.version desc) newest
     where $3::bigint is null or (ended_at, version_key) < ($3, $4::text collate "C")
     order by ended_at desc, version_key desc limit $5`,
    [tenant.id, uids, position?.at ?? null, position?.key ?? null, limit + 1],
    'blocked_versions',
  );
  const { page, next } = cutPage(found, limit, filter, (row) => `${row.ended_at} ${row.version_key}`);
  const newest = await newestVersions(
    tx,
    page.map(({ model }) => model),
  );
  // Superseded or deleted versions need no attention.
  const items = page.flatMap((row) => {
    const model = newest.get(row.model);
    return model?.version === row.version ? [present(model.name, row)] : [];
  });
  return { items, ...next };
}

function present(model: string, { version, error, findings, first, ended_at: endedAt }: BlockedRow): BlockedVersion {
  const reason =
    first === null ? `The scan failed: ${error ?? 'the reason is unknown'}.` : `${first}${moreFindings(findings - 1)}`;
  return { model, version, reason, findings, endedAt: Number(endedAt) };
}

interface Place {
  readonly at: string;
  readonly key: string;
}

function placeOf(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined;
  const [, at, key] = /^(\d{1,18}) (.{1,200})$/.exec(text) ?? [];
  if (at === undefined || key === undefined)
    throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
  return { at, key };
}
