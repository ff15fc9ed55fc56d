import type { DaisError } from '@dais/api';

/** What the exit code of `dais` says. `dais --help` and the reference are written from this table. */
export const exitCodes = {
  ok: { code: 0, meaning: 'Done; for `plan`: nothing would change.' },
  failed: {
    code: 1,
    meaning: 'Failed for a reason that none of the codes below names; for `doctor`: something is wrong.',
  },
  usage: { code: 2, meaning: 'The command line is wrong.' },
  notFound: { code: 3, meaning: 'What was named does not exist.' },
  conflict: {
    code: 4,
    meaning: 'In conflict with what is there: changed meanwhile, taken, still referred to, in use.',
  },
  refused: { code: 5, meaning: 'Not permitted, or no valid token.' },
  unreachable: { code: 6, meaning: 'The server does not answer, or cannot work at the moment; trying later may help.' },
  invalid: { code: 7, meaning: 'What was sent is not valid: a manifest, the configuration, a value.' },
  timedOut: { code: 8, meaning: 'What `--wait` waited for did not happen in time; what was started goes on.' },
  changes: {
    code: 10,
    meaning: 'For `plan` and `policy simulate`: something would change; for `reproduce`: something differs.',
  },
  interrupted: { code: 130, meaning: 'Stopped by Ctrl-C.' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]['code'];

/** Groups the catalogue by what a script would do about it. */
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
