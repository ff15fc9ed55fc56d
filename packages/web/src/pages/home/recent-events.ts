/** What happened, without what was told again of the same thing. Pure. */
import type { Event } from '@dais/api';

/** Newest first. Of how something is, only the newest word counts: each start of a server tells it anew. */
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
