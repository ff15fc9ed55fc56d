/** Adds up what the benchmarks claim: each ends with a line of benchmarks/lib/claims.mjs. */

/**
 * @typedef {object} BenchResult
 * @property {string} file
 * @property {number} code its exit code; other than 0 means that it could not measure
 * @property {string} output
 */

/** @typedef {{ kept: number, notKept: readonly string[] }} ClaimCounts */

/**
 * The claim counts in a benchmark's last line; undefined for a benchmark without claims.
 * @param {string} output
 * @returns {ClaimCounts | undefined}
 */
export function readClaims(output) {
  const last = [...output.matchAll(/^claims: (\d+) kept, \d+ NOT KEPT(?:: (.+))?$/gm)].at(-1);
  return last && { kept: Number(last[1]), notKept: last[2]?.split('; ') ?? [] };
}

/**
 * The end of `npm run bench`: a line for each benchmark, and one for each claim that was not kept.
 * @param {readonly BenchResult[]} results
 */
export function benchSummary(results) {
  const width = Math.max(...results.map(({ file }) => file.length));
  const total = { kept: 0, notKept: 0, broken: 0 };
  const lines = results.flatMap(({ file, code, output }) => {
    const claims = readClaims(output);
    total.kept += claims?.kept ?? 0;
    total.notKept += claims?.notKept.length ?? 0;
    if (code !== 0) total.broken += 1;
    const printed = claims ? `${claims.kept} kept, ${claims.notKept.length} NOT KEPT` : 'no claims';
    const line = `${file.padEnd(width)}  ${code === 0 ? printed : `BROKE with exit code ${code}`}`;
    return [line, ...(claims?.notKept ?? []).map((what) => `${''.padEnd(width)}    NOT KEPT: ${what}`)];
  });
  const broken = total.broken === 0 ? '' : `; ${total.broken} of ${results.length} benchmarks broke`;
  return [...lines, `claims: ${total.kept} kept, ${total.notKept} NOT KEPT${broken}`].join('\n');
}
