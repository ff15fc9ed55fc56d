import type { z } from 'zod';

/**
 * One type of event. Additive: a type is never removed, `data` of a version only gains optional fields, and any other
 * change is a new version beside the old one.
 */
export interface EventType {
  readonly type: string;
  readonly v: number;
  readonly description: string;
  readonly data: z.ZodObject;
  /** Its data names or describes a person: the audit keeps it so that it can be forgotten. */
  readonly personal?: true;
  /** What it says of an attempt; absent: it succeeded. */
  readonly outcome?: 'denied' | 'failed';
}
