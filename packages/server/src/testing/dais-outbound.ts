/** An outbound client for tests of stores, with the errors of Dais. */
import { DaisError } from '@dais/api';
import { createOutbound, type Outbound, type OutboundOptions } from '#lib/outbound/outbound.ts';

export function testOutbound(options: Partial<OutboundOptions> = {}): Outbound {
  return createOutbound({
    proxy: { noProxy: [] },
    allowHosts: [],
    userAgent: 'dais/test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    ...options,
  });
}
