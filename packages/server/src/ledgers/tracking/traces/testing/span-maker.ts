/** For tests: creates spans as programs send them. */
import { randomBytes } from 'node:crypto';
import type { Span } from '@dais/api/tracking';

export const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A time in 2026, in nanoseconds. */
export const AT = 1_790_000_000_000_000_000n;

export function makeSpan(traceId: string, more: Partial<Span> = {}): Span {
  return {
    traceId,
    id: hex(8),
    name: 'step',
    startNs: String(AT),
    endNs: String(AT + 5_000_000n),
    status: 'OK',
    attributes: {},
    ...more,
  };
}
