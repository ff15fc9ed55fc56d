import { uuidv7 } from '#lib/ids.ts';

/** A caller's own id is kept when it is plain enough to stand in headers, logs and events. */
export function requestId(given: string | readonly string[] | undefined, nowMs: number): string {
  return typeof given === 'string' && /^[A-Za-z0-9._:/@=+-]{1,128}$/.test(given) ? given : uuidv7(nowMs);
}
