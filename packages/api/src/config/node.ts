/** Connections of other nodes of the installation. */
import { z } from 'zod';
import { hostName } from './values.ts';

export const nodeConfig = z.strictObject({
  internalPort: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      'Port for other nodes, with mutual TLS by certificates that Dais issues itself; 0 takes any free one. Default: none.',
    ),
  listen: hostName
    .optional()
    .describe(
      'Address on which `internalPort` listens. Default: `host`. Without a certificate of a node nobody connects.',
    ),
  advertise: hostName
    .optional()
    .describe(
      'Host name or address at which other nodes reach this one. Default: `listen`, or the host name of the machine if that is every address. A loopback address is reachable on the same machine only.',
    ),
});
