import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColumnScan } from './column-findings.ts';
import { wordsOf } from './column-name.ts';
import { NEGATIVE_COLUMNS, EXAMPLES } from './corpus.testing.ts';
import { detectors, findInText } from './find-in-text.ts';
import { redactExample } from './redact-example.ts';

const findingsOf = (name: string, values: readonly string[]) => {
  const scan = new ColumnScan(name);
  for (const value of values) scan.see(value);
  return scan.findings();
};
const entitiesIn = (text: string) => new Set(findInText(text).map(({ entity }) => entity));
const digits = (seed: number, length: number) => {
  let state = seed * 2_654_435_761 + 1;
  return Array.from({ length }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * 10);
  }).join('');
};

describe('the corpus', () => {
  test('every detector has examples', () => {
    expect(detectors.map(({ entity }) => entity).filter((entity) => EXAMPLES[entity] === undefined)).toEqual([]);
  });

  test.each(Object.entries(EXAMPLES))('%s: every example is found, alone and in a sentence', (entity, examples) => {
    for (const example of examples) {
      expect([example, ...entitiesIn(example)]).toContain(entity);
      expect([example, ...entitiesIn(`He wrote: ${example}, and left.`)]).toContain(entity);
    }
  });

  test.each(Object.entries(EXAMPLES))(
    '%s: one changed digit is rejected if there is a check digit',
    (entity, examples) => {
      const detector = detectors.find((one) => one.entity === entity);
      if (detector?.verify === undefined || detector.chance === 0 || detector.chance > 0.2) return;
      let refused = 0;
      let tried = 0;
      for (const example of examples)
        for (const [at, character] of example.split('').entries()) {
          if (!/\d/.test(character)) continue;
          const changed = `${example.slice(0, at)}${(Number(character) + 1) % 10}${example.slice(at + 1)}`;
          tried += 1;
          if (!entitiesIn(changed).has(entity)) refused += 1;
        }
      expect(refused / tried).toBeGreaterThan(0.85);
    },
  );

  test.each(NEGATIVE_COLUMNS)('%s is no finding', (name, values) => {
    expect(findingsOf(name, values)).toEqual([]);
  });

  test('precision and recall over all columns, by entity', () => {
    const columns = Object.entries(EXAMPLES).map(([entity, examples]) => ({
      entity,
      found: findingsOf(
        'value',
        Array.from({ length: 60 }, (_, at) => examples[at % examples.length] ?? ''),
      ).filter(({ evidence }) => evidence !== 'name'),
    }));
    const rows = columns.map(({ entity, found }) => ({
      entity,
      recall: found.some((one) => one.entity === entity) ? 1 : 0,
      precision:
        columns.filter((column) => column.found[0]?.entity === entity && column.entity !== entity).length === 0 ? 1 : 0,
    }));
    // By value alone: only the name can disambiguate nine or ten digits.
    const missed = rows.filter(({ recall }) => recall === 0).map(({ entity }) => entity);
    expect(missed).toEqual(['URL']);
    expect(rows.filter(({ precision }) => precision === 0)).toEqual([]);
  });
});

describe('columns', () => {
  test.each([9, 10, 11, 12, 13, 14, 15, 16, 18])('random numbers of %i digits are no finding', (length) => {
    for (let round = 0; round < 10; round += 1) {
      const values = Array.from({ length: 500 }, (_, at) => digits(round * 1000 + at, length));
      expect(findingsOf('order_id', values)).toEqual([]);
    }
  });

  test('a name disambiguates nine digits', () => {
    const values = Array.from({ length: 100 }, (_, at) => `4${digits(at, 8)}`);
    expect(findingsOf('code', values).map(({ entity }) => entity)).not.toContain('US_SSN');
    expect(findingsOf('applicantSSN', values)[0]).toMatchObject({ entity: 'US_SSN', evidence: 'both' });
  });

  test('one key among a thousand notes is found', () => {
    const notes = Array.from({ length: 1000 }, (_, at) => `note ${at}: nothing to see`);
    notes[500] = 'use AKIAIOSFODNN7EXAMPLE for now';
    expect(findingsOf('notes', notes)).toMatchObject([{ entity: 'CREDENTIAL', share: 0.001 }]);
  });

  test('names alone', () => {
    expect(findingsOf('firstName', ['Ada'])).toMatchObject([{ entity: 'PERSON', evidence: 'name', share: 0 }]);
    expect(findingsOf('date_of_birth', ['1815-12-10'])).toMatchObject([{ entity: 'DATE_OF_BIRTH' }]);
    expect(findingsOf('birth_weight', ['3200'])).toEqual([]);
    expect(findingsOf('memory_address', ['0x7f'])).toEqual([]);
    expect(findingsOf('Straße', ['Weg 1'])).toMatchObject([{ entity: 'LOCATION' }]);
  });

  test('words of a column name', () => {
    for (const name of ['customerEmail', 'customer_email_1', 'Customer-Email', 'CUSTOMER EMAIL'])
      expect(wordsOf(name)).toBe('customer email');
    expect(wordsOf('clientIPAddress')).toBe('client ip address');
  });
});

test('an example shows no letter and no digit of the value', () => {
  expect(redactExample('ada.lovelace@example.com')).toBe('xxx.xxxxxxxx@xxxxxxx.xxx');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const shown = redactExample(value);
      expect(shown.length).toBeLessThanOrEqual(24);
      expect(/[^xX9…\P{L}]|[0-8]/u.test(shown)).toBe(false);
    }),
  );
});

test('hostile texts take time in proportion to their length', () => {
  const units = ['1', '1 ', 'a@', 'a.', '1.', 'f:', '0x', '(1', '+1 ', 'eyJ.', 'A1-', '::', '1-1.', 'a@a.'];
  const slow = units.filter((unit) => {
    const started = process.cpuUsage();
    findInText(unit.repeat(2000));
    const { user, system } = process.cpuUsage(started);
    // Milliseconds of CPU for 2,000 characters; quadratic patterns took seconds here.
    return (user + system) / 1000 > 400;
  });
  expect(slow).toEqual([]);
});
