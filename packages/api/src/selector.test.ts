import { DaisError } from '#errors.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesSelector, parseSelector } from './selector.ts';

const labels = { team: 'vision', stage: 'dev', empty: '', 'a.b/c': 'x' };

describe('what a selector matches', () => {
  test.each([
    ['', true],
    [' , ,', true],
    ['team=vision', true],
    ['team==vision', true],
    ['team=speech', false],
    ['team!=speech', true],
    ['team!=vision', false],
    ['owner!=x', true],
    ['team', true],
    ['owner', false],
    ['!owner', true],
    ['!team', false],
    ['empty=', true],
    ['empty', true],
    ['empty!=', false],
    ['owner=', false],
    ['a.b/c=x', true],
    ['team=vision, stage!=prod, !owner', true],
    ['team=vision,stage=prod', false],
    ['team=vision,team=vision', true],
    ['team=vision,team=speech', false],
    ['team=speech,team=vision', false],
    ['team!=a,team!=b', true],
    ['team,!team', false],
    ['constructor', false],
    ['toString=x', false],
  ])('%j: %s', (text, want) => {
    expect(matchesSelector(labels, parseSelector(text))).toBe(want);
  });
});

describe('invalid terms', () => {
  test.each(['=x', '!', '!a=b', 'a=b=c', 'a b', 'a>1', '-a', 'a=ä', 'a,!=b', 'a=1,a=2,?', '\0', 'a\n'.repeat(2)])(
    '%j',
    (text) => {
      expect(() => parseSelector(text)).toThrow(DaisError);
    },
  );

  test('the invalid term is named, shortened', () => {
    const attempt = () => parseSelector(`team=vision,${'?'.repeat(500)},a`);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'invalid_request', issues: [expect.objectContaining({ path: 'labels' })] }),
    );
    expect(attempt).toThrow(/\?{80}"\.$/);
  });
});

test('a label set matches its own full selector, and not the opposite', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9._/-]{0,8}[a-z0-9]$/);
  const value = fc.stringMatching(/^([a-z0-9]{1,5})?$/);
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1 }), (set) => {
      const entries = Object.entries(set);
      const matches = (terms: readonly string[]) => matchesSelector(set, parseSelector(terms.join(',')));
      expect(matches(entries.map(([k, v]) => `${k}=${v}`))).toBe(true);
      expect(matches(entries.map(([k]) => k))).toBe(true);
      for (const [k, v] of entries) {
        expect(matches([`${k}!=${v}`])).toBe(false);
        expect(matches([`!${k}`])).toBe(false);
        expect(matches([`${k}=${v}x`])).toBe(false);
        expect(matches([`${k}!=${v}x`])).toBe(true);
      }
    }),
  );
});

test('any selector is parsed quickly', () => {
  for (const unit of ['a', 'a.', 'a-', '!', '=', 'a=', 'a!=', ',', ' ', 'a=a,', 'a/', '!a,', 'a=b=']) {
    for (const end of ['', '!', '\0', '=']) {
      const before = process.cpuUsage();
      const read = () => parseSelector(unit.repeat(20_000) + end);
      expect([undefined, DaisError]).toContain(errorOf(read));
      // CPU time in µs.
      expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
    }
  }
});

/** The class of the error of a call. */
function errorOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as Error).constructor;
  }
}
