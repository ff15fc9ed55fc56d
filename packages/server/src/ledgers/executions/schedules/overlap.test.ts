import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { decideFires } from './overlap.ts';

const fires = (...causes: string[]) => causes.map((cause) => ({ cause, backfill: cause.startsWith('back') }));
const format = (
  waiting: readonly { readonly cause: string; readonly backfill: boolean }[],
  overlap: 'allow' | 'wait' | 'forbid' | 'replace',
  { running = 0, most = 1, room = 20 } = {},
) => {
  const { start, skip, cancel, more } = decideFires(waiting, { running, overlap, most, room });
  const causes = (list: typeof start) => list.map(({ cause }) => cause).join(' ');
  return `${causes(start)} | ${causes(skip)} | ${cancel}${more ? ' more' : ''}`;
};

test('overlap policies decide which fires start while runs are in progress', () => {
  const three = fires('a', 'b', 'c');
  expect(format(three, 'allow', { running: 5 })).toBe('a b c |  | 0');
  expect(format(three, 'wait')).toBe('a |  | 0');
  expect(format(three, 'wait', { running: 1 })).toBe(' |  | 0');
  expect(format(three, 'wait', { running: 1, most: 3 })).toBe('a b |  | 0');
  expect(format(three, 'forbid')).toBe('a | b c | 0');
  expect(format(three, 'forbid', { running: 1 })).toBe(' | a b c | 0');
  expect(format(three, 'replace', { running: 1 })).toBe('c | a b | 1');
  expect(format(three, 'replace', { running: 2, most: 2 })).toBe('b c | a | 2');
  expect(format(three, 'allow', { room: 2 })).toBe('a b |  | 0 more');
});

test('backfills wait for a free run under every overlap policy', () => {
  const mixed = fires('back1', 'back2', 'a');
  expect(format(mixed, 'allow')).toBe('back1 a |  | 0');
  expect(format(mixed, 'forbid')).toBe('back1 | a | 0');
  expect(format(mixed, 'replace', { running: 1 })).toBe('a |  | 1');
});

test('each fire is decided once, and the limit of runs holds', () => {
  const fire = fc.boolean().map((backfill) => ({ backfill }));
  fc.assert(
    fc.property(
      fc.array(fire, { maxLength: 30 }),
      fc.constantFrom('allow' as const, 'wait' as const, 'forbid' as const, 'replace' as const),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 30 }),
      (list, overlap, running, most, room) => {
        const waiting = list.map((one, index) => ({ ...one, cause: String(index) }));
        const { start, skip, cancel, more } = decideFires(waiting, { running, overlap, most, room });
        const judged = [...start, ...skip].map(({ cause }) => cause);
        expect(new Set(judged).size).toBe(judged.length);
        expect(start.length).toBeLessThanOrEqual(room);
        expect(cancel).toBeLessThanOrEqual(running);
        const fits = start.length === 0 || running - cancel + start.length <= Math.max(most, running);
        expect(fits || overlap === 'allow').toBe(true);
        const left = waiting.filter(({ cause }) => !judged.includes(cause));
        expect(more || overlap === 'wait' || left.every(({ backfill }) => backfill)).toBe(true);
        expect(skip.some(({ backfill }) => backfill)).toBe(false);
      },
    ),
  );
});
