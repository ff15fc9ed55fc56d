import { z } from 'zod';

const online = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('postgres').describe('In the database of Dais.') }),
    z.strictObject({
      type: z.literal('redis').describe('In a Redis or Valkey of yours, for many replicas that read.'),
      url: z
        .string()
        .max(2048)
        .regex(/^rediss?:\/\/\S+$/, { message: 'redis://host:6379 or rediss://user:password@host:6379/0' })
        .meta({ 'x-secret': true })
        .describe('Its address, with credentials where it wants them.'),
      prefix: z
        .string()
        .max(64)
        .regex(/^[\w:.-]*$/, { message: 'letters, digits and `_:.-`' })
        .default('dais:')
        .describe('Put before every key, for a server shared with others.'),
    }),
  ])
  .describe('Where the values lie that features have now.');

/** `spec.features` of the configuration. */
export const featuresConfig = z.strictObject({
  online: online.default({ type: 'postgres' }),
  cacheMb: z
    .int()
    .min(0)
    .max(2 ** 20)
    .default(128)
    .describe(
      'Disk for rows that were read, kept by each process beside the database in `features/cache` of the data folder. 0: none is kept. Used with `online.type: postgres`.',
    ),
  days: z
    .int()
    .min(0)
    .max(36_500)
    .default(90)
    .describe('How long records of materializations and builds are kept. 0: for ever.'),
});
