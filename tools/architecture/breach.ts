/** One violation of an architecture rule in the repository. */
export interface Breach {
  readonly rule: string;
  /** `path` or `path:line`. */
  readonly at: string;
  readonly why: string;
}

/** The breaches as text, one a line, in a stable order. */
export function printBreaches(breaches: readonly Breach[]): string {
  return breaches
    .map((breach) => `${breach.at}: ${breach.why} [${breach.rule}]`)
    .sort()
    .join('\n');
}
