import { z } from 'zod';
import { secret } from './values.ts';
import { NODE_ROLES } from '#node-roles.ts';

export const roleConfig = z
  .enum(NODE_ROLES)
  .default('all')
  .describe(
    'Role of this process tree: `api` serves the API, the console and predictions; `controller` runs background work; `gateway` serves only predictions; `worker` only runs steps; `all` does everything. Several process trees share one database (`database.url`); a role other than `all` requires it.',
  );

export const nodeConfig = z.strictObject({
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
