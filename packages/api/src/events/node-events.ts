import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const node = z.string().describe('Id of the node.');
const host = z.string().describe('Host name of the machine.');

export const nodeEvents = {
  nodeJoined: {
    type: 'node.joined',
    v: 1,
    description: 'A process tree started on a data folder for the first time.',
    data: z.strictObject({ node, host, gateway: z.int().describe('Number of its gateway.') }),
  },
  nodeRemoved: {
    type: 'node.removed',
    v: 1,
    description: 'A node was removed.',
    data: z.strictObject({
      node,
      host,
      reason: z.enum(['requested', 'expired']).describe('`expired`: no contact for 30 days.'),
    }),
  },
} as const satisfies Record<string, EventType>;
