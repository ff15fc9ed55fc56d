import { z } from 'zod';

const online = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('postgres').describe('Stores online values in the database of Dais.') }),
    z.strictObject({
      type: z.literal('redis').describe('Stores online values in your own Redis or Valkey, for many reading replicas.'),
      url: z
        .string()
        .max(2048)
        .regex(/^rediss?:\/\/\S+$/, { message: 'redis://host:6379 or rediss://user:password@host:6379/0' })
        .meta({ 'x-secret': true })
        .describe('URL of the server, with credentials if required.'),
      prefix: z
        .string()
        .max(64)
        .regex(/^[\w:.-]*$/, { message: 'letters, digits and `_:.-`' })
        .default('dais:')
        .describe('Prefix of every key, for a shared server.'),
    }),
  ])
  .describe('The online store of current feature values.');

/** `spec.features` of the configuration. */
export const featuresConfig = z.strictObject({
  online: online.default({ type: 'postgres' }),
  cacheMb: z
    .int()
    .min(0)
    .max(2 ** 20)
    .default(128)
    .describe(
      'Disk cache of read rows per process, in `features/cache` of the data folder. 0: no cache. Used with `online.type: postgres`.',
    ),
  days: z
    .int()
    .min(0)
    .max(36_500)
    .default(90)
    .describe('Retention of materialization and build records. 0: unlimited.'),
});
