/**
 * What a benchmark claims, and whether the claims were kept: the one convention of all benchmarks. The line of a claim
 * has the words that `judge` returns, and `end` prints one last line, which `npm run bench` adds up
 * (tools/bench-summary.mjs). A figure that was not kept is a result like another, so the benchmark ends with 0; any
 * other exit code says that it could not measure.
 */

export class Claims {
  #kept = 0;
  /** @type {string[]} */
  #notKept = [];

  /**
   * The words for the claim's own line.
   * @param {string} what names the claim in the summary
   * @param {boolean} kept
   * @returns {'kept' | 'NOT KEPT'}
   */
  judge(what, kept) {
    if (kept) this.#kept += 1;
    else this.#notKept.push(what);
    return kept ? 'kept' : 'NOT KEPT';
  }

  /** The last line of a benchmark. */
  end() {
    const which = this.#notKept.length === 0 ? '' : `: ${this.#notKept.join('; ')}`;
    console.log(`\nclaims: ${this.#kept} kept, ${this.#notKept.length} NOT KEPT${which}`);
  }
}
