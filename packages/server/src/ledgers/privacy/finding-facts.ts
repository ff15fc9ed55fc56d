import { keyOf, type NodeMeasure, type UpstreamMeasure } from '#ledgers/lineage/index.ts';
import type { FactProvider } from '#kernel/principal.ts';
import { declaredColumns } from './datasets.ts';
import { openFindings } from './finding-columns.ts';
import { findingsOf, stateAt, type FindingRow } from './finding-rows.ts';

/** Policy attributes of a Dataset. A policy that permits only clean data checks both. */
export function findingFacts(now: () => number): FactProvider {
  return {
    names: ['openPiiFindings', 'piiScanned'],
    load: async ({ sql }, { uid }) => {
      if (uid === undefined) return { values: { openPiiFindings: 0, piiScanned: false }, unknown: {} };
      const declared = (await declaredColumns(sql, [uid])).get(uid) ?? [];
      const [scan] = await sql.query<{ state: string }>(
        'select state from privacy.scan where dataset = $1 order by number desc limit 1',
        [uid],
        'newest_scan',
      );
      const openPiiFindings = openFindings(declared, await findingsOf(sql, uid), now());
      return { values: { openPiiFindings, piiScanned: scan?.state === 'succeeded' }, unknown: {} };
    },
  };
}

interface ScannedRow {
  readonly version: string;
  readonly dataset: string;
  readonly number: number;
  readonly state: string;
}

type VersionFinding = Pick<
  FindingRow,
  'dataset' | 'name' | 'column' | 'entity' | 'state' | 'expires_at' | 'first_version' | 'last_version'
>;

/** Findings of upstream dataset versions that occur in the version. */
export function upstreamFindings(now: () => number): UpstreamMeasure {
  return {
    fact: 'upstreamOpenPiiFindings',
    nodes: 'dataset-version',
    combine: 'sum',
    measure: async ({ sql, projectId }, ids) => {
      const scans = await sql.query<ScannedRow>(
        'select version, dataset, number, state from privacy.scan where project_id = $1 and version = any($2::uuid[])',
        [projectId, ids],
        'scans_upstream',
      );
      const datasets = [...new Set(scans.map(({ dataset }) => dataset))];
      const declared = await declaredColumns(sql, datasets);
      const findings = await sql.query<VersionFinding>(
        `select dataset, name, "column", entity, state, expires_at, first_version, last_version from privacy.finding
         where project_id = $1 and dataset = any($2::uuid[])`,
        [projectId, datasets],
        'findings_upstream',
      );
      const byVersion = new Map(scans.map((scan) => [scan.version, scan]));
      // A finding belongs to its dataset: it counts once if several upstream versions contain it.
      const counted = new Set<VersionFinding>();
      return ids.map((id): NodeMeasure => {
        const node = keyOf('dataset-version', id);
        const scan = byVersion.get(id);
        if (scan?.state !== 'succeeded') return { node, unknown: unscanned(scan?.state) };
        const columns = declared.get(scan.dataset);
        if (columns === undefined) return { node, unknown: 'Its dataset and findings were deleted.' };
        const named = new Set(columns.map(({ column }) => column));
        const open = findings.filter(
          (one) =>
            one.dataset === scan.dataset && holds(one, scan.number) && isOpen(one, now()) && !named.has(one.column),
        );
        const fresh = open.filter((one) => !counted.has(one));
        for (const one of fresh) counted.add(one);
        const [first] = open;
        if (first === undefined) return { node, value: 0 };
        const more = open.length > 1 ? ` and ${open.length - 1} more` : '';
        return { node, value: fresh.length, cause: `open finding ${first.entity} in column ${first.column}${more}` };
      });
    },
  };
}

function holds({ first_version: first, last_version: last }: VersionFinding, number: number): boolean {
  return first <= number && number <= last;
}

/** A finding that newer versions do not contain is `gone`; nobody decided about it for the version that was used. */
function isOpen(finding: VersionFinding, now: number): boolean {
  const state = stateAt(finding, now);
  return state === 'open' || state === 'gone';
}

function unscanned(state: string | undefined): string {
  if (state === 'failed') return 'Its scan for personal data failed.';
  return state === undefined
    ? 'It has not been scanned for personal data.'
    : 'Its scan for personal data has not ended.';
}
