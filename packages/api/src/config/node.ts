import { z } from 'zod';
import { hostName, secret } from './values.ts';
import { NODE_ROLES } from '#node-roles.ts';

export const roleConfig = z
  .enum(NODE_ROLES)
  .default('all')
  .describe(
    'Role of this process tree: `api` serves the API, the console and predictions; `controller` runs background work; `gateway` serves only predictions; `worker` only runs steps; `all` does everything. Several process trees share one database (`database.url`); a role other than `all` requires it.',
  );

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
  join: z
    .enum(['token', 'open'])
    .default('token')
    .describe(
      'How a new data folder joins an installation of which a node is live: `token` requires `node.joinToken`; `open` requires only the database.',
    ),
  joinToken: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta(secret)
    .describe(
      'Token from `dais admin create-node-token`, with which a new data folder joins an installation. Later starts do not need it.',
    ),
});
