/** Stored scans and findings, the resulting status, and the list of versions that their scan blocks. */
import { DaisError } from '@dais/api';
import type {
  BlockedVersion,
  ModelFinding,
  ModelScan,
  ModelScanResult,
  listBlockedVersionsOperation,
} from '@dais/api/serving';
import type { Sql } from '#engines/database/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { newestVersions, visibleModels } from '#ledgers/registry/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { SCANNER_VERSION, type ScanFinding } from '#lib/model-scan/scan-file.ts';

export interface ScanRow {
  readonly version_key: string;
  readonly model: string;
  readonly version: number;
  readonly state: ModelScan['state'];
  readonly scanner: number;
  readonly files: number;
  readonly bytes: bigint;
  readonly error: string | null;
  readonly requested_at: bigint;
  readonly ended_at: bigint | null;
}

interface FindingRow {
  readonly id: string;
  readonly file: string;
  readonly rule: string;
  readonly severity: ModelFinding['severity'];
  readonly detail: string;
  readonly state: ModelFinding['state'];
  readonly reason: string | null;
  readonly decided_by: { readonly type: string; readonly id: string } | null;
  readonly decided_at: bigint | null;
}

export const SCAN_COLUMNS = 'version_key, model, version, state, scanner, files, bytes, error, requested_at, ended_at';
const FINDING = 'id, file, rule, severity, detail, state, reason, decided_by, decided_at';

export async function findScan(sql: Sql, key: string): Promise<ScanRow | undefined> {
  const [row] = await sql.query<ScanRow>(
    `select ${SCAN_COLUMNS} from safety.scan where version_key = $1`,
    [key],
    'find_model_scan',
  );
  return row;
}

/** Enqueues a scan. Existing findings remain until it is done. */
export async function noteScan(
  tx: Transaction,
  of: { readonly key: string; readonly model: string; readonly version: number },
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into safety.scan (version_key, project_id, model, version, state, requested_at) values ($1, $2, $3, $4, 'pending', $5)
     on conflict (version_key) do update set state = 'pending', error = null, requested_at = $5, ended_at = null`,
    [of.key, tx.projectId, of.model, of.version, now],
    'note_model_scan',
  );
}

export interface ScanResult {
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly ScanFinding[];
}

/** Updates the findings of a scan. Known findings keep their decisions; others are deleted. */
export async function recordScan(tx: Transaction, key: string, result: ScanResult, now: number): Promise<void> {
  const { findings, files, bytes } = result;
  await tx.sql.query(
    `update safety.scan set state = 'succeeded', scanner = $2, files = $3, bytes = $4, error = null, ended_at = $5
     where version_key = $1`,
    [key, SCANNER_VERSION, files, bytes, now],
    'end_model_scan',
  );
  const columns = [
    findings.map(({ file }) => file),
    findings.map(({ rule }) => rule),
    findings.map(({ severity }) => severity),
    findings.map(({ detail }) => detail),
  ];
  await tx.sql.query(
    `delete from safety.finding f where f.version_key = $1 and not exists (
       select from unnest($2::text[], $3::text[], $4::text[]) t (file, rule, detail)
       where t.file = f.file and t.rule = f.rule and t.detail = f.detail)`,
    [key, columns[0], columns[1], columns[3]],
    'forget_model_findings',
  );
  await tx.sql.query(
    `insert into safety.finding (id, project_id, version_key, file, rule, severity, detail)
     select t.id, $2, $1, t.file, t.rule, t.severity, t.detail
     from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[]) t (id, file, rule, severity, detail)
     on conflict (version_key, file, rule, detail) do update set severity = excluded.severity`,
    [key, tx.projectId, findings.map(() => uuidv7(now)), ...columns],
    'insert_model_findings',
  );
}

export async function endScan(
  tx: Transaction,
  key: string,
  end: { readonly state: 'failed' | 'external'; readonly error: string },
  now: number,
): Promise<void> {
  await tx.sql.query(
    'update safety.scan set state = $2, error = $3, ended_at = $4 where version_key = $1',
    [key, end.state, end.error, now],
    'fail_model_scan',
  );
}

export async function findingsOf(sql: Sql, key: string): Promise<FindingRow[]> {
  return await sql.query<FindingRow>(
    `select ${FINDING} from safety.finding where version_key = $1 order by severity, file, rule, detail limit 1000`,
    [key],
    'model_findings',
  );
}

export async function lockFinding(sql: Sql, key: string, id: string): Promise<FindingRow> {
  const [row] = await sql.query<FindingRow>(
    `select ${FINDING} from safety.finding where version_key = $1 and id = $2 for update`,
    [key, id],
    'lock_model_finding',
  );
  if (row === undefined) throw new DaisError('not_found', `The version has no finding ${id}.`);
  return row;
}

export function presentFinding(row: FindingRow): ModelFinding {
  return {
    id: row.id,
    file: row.file,
    rule: row.rule,
    severity: row.severity,
    detail: row.detail,
    state: row.state,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.decided_by !== null && { decidedBy: `${row.decided_by.type}/${row.decided_by.id}` }),
    ...(row.decided_at !== null && { decidedAt: Number(row.decided_at) }),
  };
}

/** Returns the worst status of open findings. An incomplete scan blocks loading. */
export function resultOf(
  scan: Pick<ScanRow, 'state'>,
  findings: readonly Pick<FindingRow, 'severity' | 'state'>[],
): ModelScanResult {
  if (scan.state === 'pending') return 'pending';
  if (scan.state !== 'succeeded') return 'blocked';
  const open = findings.filter(({ state }) => state === 'open');
  if (open.some(({ severity }) => severity === 'block')) return 'blocked';
  // Code needs a separate process, whether its finding is waived or not.
  return findings.length > 0 ? 'review' : 'clean';
}

export async function presentScan(sql: Sql, name: string, scan: ScanRow): Promise<ModelScan> {
  const findings = await findingsOf(sql, scan.version_key);
  return {
    model: name,
    version: scan.version,
    state: scan.state,
    result: resultOf(scan, findings),
    files: scan.files,
    bytes: Number(scan.bytes),
    findings: findings.map(presentFinding),
    ...(scan.error !== null && { error: scan.error }),
    requestedAt: Number(scan.requested_at),
    ...(scan.ended_at !== null && { endedAt: Number(scan.ended_at) }),
  };
}

/**
 * Returns whether a version may be loaded: `clean` anywhere, `review` in a separate process, `blocked` not at all, `pending` not yet.
 * `key`: its lineage key; `called`: its displayed name. `reason`: set unless it is clean.
 */
export async function scanResult(
  { sql }: Transaction,
  key: string,
  called: string,
): Promise<{ readonly result: ModelScanResult; readonly reason?: string }> {
  const scan = await findScan(sql, key);
  const version = called.replace(/^models:\//, '');
  if (scan === undefined) return { result: 'pending', reason: `The files of ${version} have not been scanned yet.` };
  const findings = await findingsOf(sql, scan.version_key);
  const result = resultOf(scan, findings);
  if (result === 'clean') return { result };
  if (scan.state !== 'succeeded') {
    const why = scan.error === null ? 'have not been scanned yet' : `could not be scanned: ${scan.error}`;
    return { result, reason: `The files of ${version} ${why}.` };
  }
  const open = findings.filter(
    ({ state, severity }) => state === 'open' && (result !== 'blocked' || severity === 'block'),
  );
  const [first] = open;
  const found =
    first === undefined ? 'All findings are waived.' : `${first.file}: ${first.detail}${moreFindings(open.length - 1)}`;
  const list = `\`dais model scan ${version}\` lists the findings.`;
  if (result !== 'blocked') return { result, reason: `${found} ${list}` };
  const remedy = 'Register a version without them, or have an approver waive them.';
  return { result, reason: `The scan of ${version} blocks it. ${found} ${list} ${remedy}` };
}

/** Returns a sentence about further findings, to append to the first one. */
function moreFindings(count: number): string {
  if (count <= 0) return '';
  return count === 1 ? ' There is 1 more finding.' : ` There are ${count} more findings.`;
}

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
  const position = locationOf(decodePageCursor(filter, cursor));
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

interface Location {
  readonly at: string;
  readonly key: string;
}

function locationOf(text: string | undefined): Location | undefined {
  if (text === undefined) return undefined;
  const [, at, key] = /^(\d{1,18}) (.{1,200})$/.exec(text) ?? [];
  if (at === undefined || key === undefined)
    throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
  return { at, key };
}
