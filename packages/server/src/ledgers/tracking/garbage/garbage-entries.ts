import { collectGarbageOperation } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import type { Clock } from '#lib/clock.ts';
import {
  collectGarbage,
  countGarbage,
  GARBAGE_START,
  type GarbageParts,
  type GarbagePosition,
} from './collect-garbage.ts';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** @param days default age in days of removed objects */
export function garbageEntries(parts: GarbageParts, days: number, clock: Clock): readonly OperationEntry[] {
  return [
    entry(collectGarbageOperation, async (tx, { input }) => {
      const hours = input.olderThanHours ?? days * DAY_HOURS;
      const before = clock.now() - hours * HOUR_MS;
      if (input.dryRun) return { removed: { ...(await countGarbage(tx, before)), files: 0 } };
      const of = ['garbage.collect', hours];
      const { removed, next } = await collectGarbage(tx, parts, before, decodePlace(of, input.cursor));
      return {
        removed,
        ...(next !== undefined && { nextCursor: encodePageCursor(of, `${next.run} ${next.model}`) }),
      };
    }),
  ];
}

/** @throws DaisError `invalid_cursor`. */
function decodePlace(of: readonly unknown[], cursor: string | undefined): GarbagePosition {
  const place = /^(?<run>\d{1,18}) (?<model>\d{1,18})$/.exec(decodePageCursor(of, cursor) ?? '')?.groups;
  if (place === undefined) return GARBAGE_START;
  return { run: BigInt(place['run'] ?? 0), model: BigInt(place['model'] ?? 0) };
}
