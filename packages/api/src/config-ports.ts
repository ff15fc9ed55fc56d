/** Ports beside the one that `port` names. */
import { z } from 'zod';

export const portsSchema = z
  .strictObject({
    grpc: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        'Port for clients that speak gRPC; 0 takes any free one. Default: 7072, or the next free one, up to 7089.',
      ),
  })
  .prefault({})
  .describe('Ports beside `port`, at the same address.');
