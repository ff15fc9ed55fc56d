import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isReservedAlias, modelKind } from '#kinds/model.ts';
import { nameSchema } from '#manifest.ts';

describe('the name of a model', () => {
  const pieces = fc.array(fc.constantFrom('.', '/', ':', ' ', 'a', 'é', '\u0000', '\u00a0', '-', '日'), {
    maxLength: 6,
  });
  test('is a resource name without `/` and `:`, and neither `.` nor `..`', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((all) => all.join('')),
          fc.string(),
        ),
        (name) => {
          const expected = nameSchema.safeParse(name).success && !/[/:]/.test(name) && name !== '.' && name !== '..';
          expect(modelKind.name.safeParse(name).success).toBe(expected);
        },
      ),
    );
  });

  test.each(['.a', '..a', '...', '.a.', 'a', 'flight delay', '日本'])('%s is valid', (name) => {
    expect(modelKind.name.safeParse(name).success).toBe(true);
  });
});

test.each([
  ['latest', true],
  ['Latest', true],
  ['v1', true],
  ['V02', true],
  ['latest-2', false],
  ['v', false],
  ['v1a', false],
  ['champion', false],
])('the alias %s is reserved: %j', (alias, reserved) => {
  expect(isReservedAlias(alias)).toBe(reserved);
});
