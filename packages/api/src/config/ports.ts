/** Ports in addition to `port`. */
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
        'Port of the model gateway, which serves without the control plane. 0 takes any free one. Used from the first Endpoint on. Default: 7071, or the next free one, up to 7089.',
      ),
    inferenceGrpc: z.int().min(0).max(65_535).optional().describe('Port of the model gateway for gRPC. Default: none.'),
  })
  .prefault({})
  .describe('Further ports, at the same address as `port`.');
