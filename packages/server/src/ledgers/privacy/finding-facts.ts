import type { FactProvider } from '#kernel/principal.ts';
import { declaredColumns } from './datasets.ts';
import { openFindings } from './finding-columns.ts';
import { findingsOf } from './finding-rows.ts';

/**
 * What policies may ask of a Dataset: `openPiiFindings`, how many findings nobody has decided about, and `piiScanned`,
 * whether a version was looked at and no look is due. A policy that lets only what is clean pass asks for both.
 */
export function findingFacts(now: () => number): FactProvider {
  return {
    names: ['openPiiFindings', 'piiScanned'],
    types: { openPiiFindings: 'long', piiScanned: 'bool' },
    load: async (uid, sql) => {
      const declared = (await declaredColumns(sql, [uid])).get(uid) ?? [];
      const [scan] = await sql.query<{ state: string }>(
        'select state from privacy.scan where dataset = $1 order by number desc limit 1',
        [uid],
        'newest_scan',
      );
      return {
        openPiiFindings: openFindings(declared, await findingsOf(sql, uid), now()),
        piiScanned: scan?.state === 'done',
      };
    },
  };
}
