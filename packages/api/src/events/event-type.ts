import type { z } from 'zod';

/**
 * One type of event. Additive: a type is never removed, `data` of a version only gains optional fields, and any other
 * change is a new version in addition to the old one.
 */
export interface EventType {
  readonly type: string;
  readonly v: number;
  readonly description: string;
  readonly data: z.ZodObject;
  /** The data names or describes a person: the audit log stores it in a form that can be erased. */
  readonly personal?: true;
  /** Outcome of an attempt; absent: it succeeded. */
  readonly outcome?: 'denied' | 'failed';
}
