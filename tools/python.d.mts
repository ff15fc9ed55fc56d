export interface Python {
  /** The real interpreter, behind shims and links. */
  readonly path: string;
  /** For example `3.11.2`. */
  readonly version: string;
}

export const MINIMUM_PYTHON: readonly number[];

/** The first Python that is new enough: `DAIS_PYTHON` alone when it is set. Rejects with what was found. */
export function findPython(): Promise<Python>;

export function isNewEnough(version: string): boolean;
