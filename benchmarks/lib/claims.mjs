/**
 * The claims of a benchmark and whether the measurement confirms them. The line of a claim contains the words that `judge`
 * returns. `end` prints a table of all claims, then a last line that `npm run bench` adds up (tools/bench-summary.mjs). A claim
 * that is not kept is a result, so the benchmark exits with 0. Another exit code means that it could not measure.
 */
import { resultTable } from './result-table.mjs';

export class Claims {
  /** @type {{ what: string, kept: boolean, measured: string }[]} */
  #claims = [];

  /**
   * Returns the words for the line of the claim.
   * @param {string} what names the claim
   * @param {boolean} kept
   * @param {string} [measured] the measured value with its unit
   * @returns {'kept' | 'NOT KEPT'}
   */
  judge(what, kept, measured = '') {
    this.#claims.push({ what, kept, measured });
    return kept ? 'kept' : 'NOT KEPT';
  }

  /** Prints the table of the claims and the last line of a benchmark. */
  end() {
    const notKept = this.#claims.filter(({ kept }) => !kept).map(({ what }) => what);
    if (this.#claims.length > 0) {
      const rows = this.#claims.map(({ what, kept, measured }) => [what, measured, kept ? 'kept' : 'NOT KEPT']);
      console.log(`\n${resultTable('Claims', ['claim', 'measured', 'result'], rows)}`);
    }
    const which = notKept.length === 0 ? '' : `: ${notKept.join('; ')}`;
    console.log(`\nclaims: ${this.#claims.length - notKept.length} kept, ${notKept.length} NOT KEPT${which}`);
  }
}
