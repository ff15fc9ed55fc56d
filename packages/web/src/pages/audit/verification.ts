/** The state of the log as one badge. Pure functions. */
import type { readAuditStatusOperation } from '@dais/api/audit';
import type { State } from '#ui/state-badge.tsx';

export type AuditStatus = (typeof readAuditStatusOperation)['output']['_output'];

export function verification({ check, size }: Pick<AuditStatus, 'check' | 'size'>): {
  readonly state: State;
  readonly word: string;
} {
  const { findings, completeAt, completeSize = 0 } = check;
  if (findings.length > 0) {
    const word = findings.length === 1 ? '1 entry fails verification' : `${findings.length} entries fail verification`;
    return { state: 'failed', word };
  }
  if (completeAt === undefined) {
    const word =
      check.size > 0
        ? `First verification: ${check.size.toLocaleString('en')} of ${size.toLocaleString('en')} entries`
        : 'Not verified yet';
    return { state: 'waiting', word };
  }
  const counted = completeSize.toLocaleString('en');
  const word =
    completeSize < size
      ? `Verified: the first ${counted} of ${size.toLocaleString('en')} entries`
      : `Verified: all ${counted} entries`;
  return { state: 'ok', word };
}
