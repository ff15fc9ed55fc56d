import { z } from 'zod';

/** URL parts of models and their versions. A separate file: the first view of the console loads it. */

export const modelName = z.string().min(1).max(256).describe('Name of the model.');
/** Text, because it is part of the URL. */
export const versionNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .describe('Number of the version.');
