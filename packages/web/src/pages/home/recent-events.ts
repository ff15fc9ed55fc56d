/** Events without repeated conditions. Pure functions. */
import type { Event } from '@dais/api';

/** Newest first. Only the newest event of a condition is kept: each start of a server repeats it. */
export function recentEvents(events: readonly Event[], most: number): readonly Event[] {
  const shown = new Set<string>();
  const kept: Event[] = [];
  for (const event of events) {
    if (kept.length === most) break;
    if (event.type === 'resource.status' && event.subject !== undefined) {
      const { kind, name } = event.subject;
      const key = `${kind} ${name}`;
      if (shown.has(key)) continue;
      shown.add(key);
    }
    kept.push(event);
  }
  return kept;
}
