/** Policy attributes of model scans. */
import type { FactProvider } from '#kernel/principal.ts';
import { keyOf, type NodeMeasure, type UpstreamMeasure } from '#ledgers/lineage/index.ts';
import { findingsOf, SCAN_COLUMNS, resultOf, type ScanRow } from './scan-rows.ts';

/** Attributes of a Model: of the version that is evaluated, else of the newest. */
export const safetyFacts: FactProvider = {
  names: ['openSafetyFindings', 'safetyScanned'],
  load: async ({ sql }, { uid, version }) => {
    const [scan] =
      uid === undefined || version === null
        ? []
        : await sql.query<ScanRow>(
            `select ${SCAN_COLUMNS} from safety.scan where model = $1 and ($2::int is null or version = $2)
             order by version desc limit 1`,
            [uid, version ?? null],
            'newest_model_scan',
          );
    const findings = scan === undefined ? [] : await findingsOf(sql, scan.version_key);
    const open = findings.filter(({ state, severity }) => state === 'open' && severity === 'block');
    return { values: { openSafetyFindings: open.length, safetyScanned: scan?.state === 'succeeded' }, unknown: {} };
  },
};

/** From best to worst. */
const RESULTS = ['clean', 'review', 'blocked'] as const;

/** The worst scan result of upstream model versions. */
export const upstreamScans: UpstreamMeasure = {
  fact: 'upstreamScanResult',
  nodes: 'model-version',
  combine: RESULTS,
  measure: async ({ sql, projectId }, ids) => {
    const keys = ids.map((id) => keyOf('model-version', id));
    const rows = await sql.query<ScanRow & { severity: 'block' | 'review' | null; open: boolean | null }>(
      `select ${SCAN_COLUMNS.split(', ')
        .map((column) => `s.${column}`)
        .join(', ')}, f.severity, f.state = 'open' as open
       from safety.scan s left join safety.finding f on f.version_key = s.version_key
       where s.project_id = $1 and s.version_key = any($2::text[])`,
      [projectId, keys],
      'scans_of_versions_upstream',
    );
    return keys.map((node): NodeMeasure => {
      const of = rows.filter((row) => row.version_key === node);
      const [scan] = of;
      if (scan === undefined) return { node, unknown: 'Its files have not been scanned.' };
      const findings = of.flatMap(({ severity, open }) =>
        severity === null ? [] : [{ severity, state: open === true ? ('open' as const) : ('waived' as const) }],
      );
      const result = resultOf(scan, findings);
      if (result === 'pending') return { node, unknown: 'The scan of its files has not ended.' };
      return { node, value: RESULTS.indexOf(result), cause: `scan result ${result}` };
    });
  },
};
