/** The error class of Dais, and its format on the wire: a problem document (RFC 9457). */
import { errorCatalog, type ErrorCode } from './error-catalog.ts';

// This file is the entry `@dais/api/errors`.
export { errorCatalog, type ErrorCode };

/** One problem in a request. Lines and columns are counted from 1, as in editors. */
export interface Issue {
  readonly message: string;
  /** Path in the document: `spec.rules[2].name`. */
  readonly path?: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Number of invalid UTF-16 units from there on, where it is known. */
  readonly length?: number;
  readonly expected?: string;
  /** The nearest valid name of a misspelled one. */
  readonly nearest?: string;
}

/** RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly issues?: readonly Issue[];
  readonly holders?: readonly string[];
}

export interface ErrorDetails {
  readonly issues?: readonly Issue[];
  readonly holders?: readonly string[];
  /** Seconds after which a retry is useful; for retryable codes (default 1). */
  readonly retryAfter?: number;
  /** Id of the failed request; finds it in the server's log. */
  readonly requestId?: string;
  readonly cause?: unknown;
}

/** Marks the errors of every copy of this package: globally installed packages have a copy each. */
const BRAND: unique symbol = Symbol.for('dais.error');

/** The only error class of Dais. Its message is safe to show to the caller: never put a secret into it. */
export class DaisError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;
  readonly holders: readonly string[] | undefined;
  readonly retryAfter: number | undefined;
  readonly requestId: string | undefined;

  constructor(code: ErrorCode, detail: string, details: ErrorDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DaisError';
    this.code = code;
    this.issues = details.issues;
    this.holders = details.holders;
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
  }

  /**
   * `instanceof DaisError` is also true for errors of other copies of this package. Subclasses use the default rule.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== DaisError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  get [BRAND](): true {
    return true;
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }

  get retryable(): boolean {
    return errorCatalog[this.code].retryable === true;
  }
}

/** Reports whether the catalog's remedy fits: one that refers to a list only fits an error with that list. */
export function hasCatalogRemedy({ code, issues = [], holders = [] }: Listing): boolean {
  const { remedy } = errorCatalog[code];
  return (issues.length > 0 || !remedy.includes('`issues`')) && (holders.length > 0 || !remedy.includes('`holders`'));
}

type Listing = Pick<DaisError, 'code' | 'issues' | 'holders'>;

/** Returns the remedy of an error; where the catalog's remedy does not fit, the message of the error. */
export function errorRemedy(error: Listing): string {
  return hasCatalogRemedy(error) ? errorCatalog[error.code].remedy : SEE_DETAIL;
}

const SEE_DETAIL = 'Correct what `detail` describes.';

export function toProblem(error: DaisError, requestId?: string): Problem {
  const entry = errorCatalog[error.code];
  return {
    type: `/docs/reference/errors#${error.code}`,
    title: entry.title,
    status: entry.status,
    code: error.code,
    remedy: errorRemedy(error),
    ...(error.message !== '' && { detail: error.message }),
    ...(requestId !== undefined && { requestId }),
    ...(error.issues !== undefined && { issues: error.issues }),
    ...(error.holders !== undefined && { holders: error.holders }),
  };
}

/** Converts a problem document from the wire back to its error. `retryAfter` is in seconds. */
export function fromProblem(problem: Problem, retryAfter?: number): DaisError {
  return new DaisError(problem.code, problem.detail ?? '', {
    ...(problem.issues !== undefined && { issues: problem.issues }),
    ...(problem.holders !== undefined && { holders: problem.holders }),
    ...(problem.requestId !== undefined && { requestId: problem.requestId }),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}
