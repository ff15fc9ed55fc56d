/** Requests of a feature server. Unknown fields of newer clients are ignored. */
import { z } from 'zod';
import { invalidUtf8At } from '#lib/formats/utf8.ts';
import { invalid } from '../feast-errors.ts';
import { readExactJson } from '../wire/exact-json.ts';

const frame = z.record(z.string(), z.array(z.unknown()));

export const onlineRequest = z.object({
  entities: frame,
  feature_service: z.string().nullish(),
  features: z.array(z.string()).default([]),
  full_feature_names: z.boolean().default(false),
  include_feature_view_version_metadata: z.boolean().default(false),
});

export const pushRequest = z.object({
  push_source_name: z.string(),
  df: frame,
  to: z.enum(['online', 'offline', 'online_and_offline']).default('online'),
});

export const writeRequest = z.object({ feature_view_name: z.string(), df: frame });

const views = z.array(z.string()).nullish();
const version = z.string().nullish();

export const materializeRequest = z.object({
  start_ts: z.string().nullish(),
  end_ts: z.string().nullish(),
  feature_views: views,
  disable_event_timestamp: z.boolean().default(false),
  version,
});

export const incrementalRequest = z.object({ end_ts: z.string(), feature_views: views, version });

/** Validates a request. @throws FeastError with the invalid fields */
export function readRequest<Schema extends z.ZodType>(schema: Schema, body: Buffer): z.output<Schema> {
  const invalidAt = invalidUtf8At(body);
  if (invalidAt !== undefined) throw invalid(`The body of the request is not UTF-8, first at byte ${invalidAt}.`);
  let json: unknown;
  try {
    json = readExactJson(body.toString('utf8'));
  } catch {
    throw invalid('The body of the request is not JSON.');
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const locations = read.error.issues
    .slice(0, 10)
    .map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw invalid(`The request is invalid: ${locations.join('; ')}.`);
}
