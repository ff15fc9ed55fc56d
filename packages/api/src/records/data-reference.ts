import { z } from 'zod';

/**
 * Reference to a version of a dataset: `NAME@WHICH`, where WHICH is a number (`flights@3`), `latest` (the newest ready
 * one), a day or time (`flights@2026-11-01`: the newest ready one at that time, or at the end of the day in UTC), or a
 * tag. Without `@WHICH`: latest.
 */

/** The name in URLs and before `@`: letters, digits and `._-`. */
export const datasetNameSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/, {
    message: 'letters, digits and `._-`, starting and ending with a letter or digit',
  });

/** A tag of a version. Numbers, days and `latest` already have a meaning in version references. */
export const versionTagSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z][A-Za-z0-9._-]*$/, { message: 'letters, digits and `._-`, starting with a letter' });

export const datasetReferenceSchema = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(@[A-Za-z0-9._:+-]+)?$/, {
    message: 'a dataset and a version of it: `flights@3`, `flights@latest`, `flights@2026-11-01`, `flights@TAG`',
  });

export type WhichVersion =
  | { readonly by: 'latest' }
  | { readonly by: 'number'; readonly number: number }
  /** `until` in milliseconds since 1970: the last included instant. */
  | { readonly by: 'time'; readonly until: number }
  | { readonly by: 'tag'; readonly tag: string };

export interface DatasetReference {
  readonly dataset: string;
  readonly which: WhichVersion;
}

const DAY_MS = 86_400_000;

export function isReservedTag(tag: string): boolean {
  return tag.toLowerCase() === 'latest' || /^v?\d+$/i.test(tag) || /^\d{4}-\d\d-\d\d/.test(tag);
}

/** The part after `@`. Undefined: it is not a version reference. */
export function parseWhichVersion(text: string): WhichVersion | undefined {
  if (text.toLowerCase() === 'latest') return { by: 'latest' };
  if (/^v?[1-9]\d{0,8}$/i.test(text)) return { by: 'number', number: Number(text.replace(/^v/i, '')) };
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const start = Date.parse(`${text}T00:00:00Z`);
    // `Date.parse` rolls 31 February over to March.
    if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== text) return undefined;
    return { by: 'time', until: start + DAY_MS - 1 };
  }
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(text)) {
    const until = Date.parse(text);
    return Number.isNaN(until) ? undefined : { by: 'time', until };
  }
  return versionTagSchema.safeParse(text).success && !isReservedTag(text) ? { by: 'tag', tag: text } : undefined;
}

/** Undefined: it is not a version reference; see `datasetReferenceSchema` for the format. */
export function parseDatasetReference(text: string): DatasetReference | undefined {
  const at = text.indexOf('@');
  const dataset = at < 0 ? text : text.slice(0, at);
  if (!datasetNameSchema.safeParse(dataset).success) return undefined;
  const which = at < 0 ? ({ by: 'latest' } as const) : parseWhichVersion(text.slice(at + 1));
  return which === undefined ? undefined : { dataset, which };
}
