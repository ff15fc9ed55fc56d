import { z } from 'zod';

/** Parts of the addresses of models and their versions. Beside the operations: the first view of the console loads it. */

export const modelName = z.string().min(1).max(256).describe('Name of the model.');
/** Text, because it stands in the address. */
export const versionNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .describe('Number of the version.');
