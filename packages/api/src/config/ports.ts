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
    inference: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe(
        'Port at which models answer without the control plane; 0 takes any free one. Used from the first Endpoint on. Default: 7071, or the next free one, up to 7089.',
      ),
    inferenceGrpc: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Port at which models answer over gRPC. Default: none.'),
  })
  .prefault({})
  .describe('Ports beside `port`, at the same address.');
