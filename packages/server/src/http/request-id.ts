import { uuidv7 } from '#lib/ids.ts';

/** Keeps the request ID of the caller if it is plain enough for headers, logs and events. */
export function requestId(given: string | readonly string[] | undefined, nowMs: number): string {
  return typeof given === 'string' && /^[A-Za-z0-9._:/@=+-]{1,128}$/.test(given) ? given : uuidv7(nowMs);
}
