import type { DaisError } from '@dais/api';

/** The exit codes of `dais`. `dais --help` and the reference are generated from this table. */
export const exitCodes = {
  ok: { code: 0, meaning: 'Success; for `plan`: no changes.' },
  failed: {
    code: 1,
    meaning: 'Other failure; for `doctor`: a check failed.',
  },
  usage: { code: 2, meaning: 'Invalid command line.' },
  notFound: { code: 3, meaning: 'Not found.' },
  conflict: {
    code: 4,
    meaning: 'Conflict: changed meanwhile, name taken, still referred to, or in use.',
  },
  refused: { code: 5, meaning: 'Not permitted, or not authenticated.' },
  unreachable: { code: 6, meaning: 'The server does not respond or is unavailable. Retry later.' },
  invalid: { code: 7, meaning: 'Invalid input: a manifest, the configuration or a value.' },
  timedOut: { code: 8, meaning: '`--wait` timed out; the operation continues.' },
  changes: {
    code: 10,
    meaning: 'For `plan` and `policy simulate`: changes found; for `reproduce`: differences found.',
  },
  interrupted: { code: 130, meaning: 'Stopped by Ctrl-C.' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]['code'];

/** Groups the error catalog by the reaction of a script. */
export function exitCodeOf(error: DaisError): ExitCode {
  if (error.code === 'quota_exceeded') return exitCodes.refused.code;
  switch (error.status) {
    case 401:
    case 403:
      return exitCodes.refused.code;
    case 404:
      return exitCodes.notFound.code;
    case 409:
    case 410:
    case 412:
      return exitCodes.conflict.code;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
    case 507:
      return exitCodes.unreachable.code;
    case 500:
      return exitCodes.failed.code;
    default:
      return exitCodes.invalid.code;
  }
}
