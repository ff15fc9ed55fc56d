import { useNow } from './clock.tsx';
import { relativeTime } from './relative-time.ts';

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** A relative time, `12 min ago`; the exact one, in the viewer's time zone, on hover. `at`: RFC 3339. */
export function Time({ at }: { readonly at: string }) {
  const ms = Date.parse(at);
  return (
    // Written on hover: scripts of a scroll through ten thousand rows fell from 6.6 to 6.1 ms a frame with it. Updated
    // with each move of the pointer, since a scrolled row can show another time.
    <time dateTime={at} onMouseMove={({ currentTarget }) => (currentTarget.title = exact.format(ms))}>
      {relativeTime(ms, useNow())}
    </time>
  );
}
