import fc from 'fast-check';
import { expect, test } from 'vitest';
import { secretForms } from './secret-forms.ts';

const shown = (...values: string[]) => secretForms(values).map((form) => form.toString());

test('values below six bytes are not searched', () => {
  expect([shown('', 'a', 'abcde'), shown('abcdef').includes('abcdef')]).toEqual([[], true]);
});

test('lines of a value are searched one by one', () => {
  const forms = shown('first line\r\n  second line\nend\n');
  expect(forms).toEqual(expect.arrayContaining(['first line', 'second line']));
  expect(forms).not.toContain('end');
});

test('forms come once, the longest first', () => {
  const forms = shown('abcdef', 'abcdef', 'abcdefg');
  expect(new Set(forms).size).toBe(forms.length);
  expect(forms.map((form) => form.length)).toEqual(forms.map((form) => form.length).toSorted((a, b) => b - a));
});

const secret = fc.string({ unit: 'binary', minLength: 6, maxLength: 40 }).filter((text) => text.trim().length >= 6);

test('with any surrounding bytes, the base64 of a value contains one of its forms', () => {
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 7 }), fc.uint8Array({ maxLength: 7 }), (value, before, after) => {
      const whole = Buffer.concat([before, Buffer.from(value), after]);
      const forms = shown(value);
      for (const encoding of ['base64', 'base64url'] as const) {
        const encoded = whole.toString(encoding);
        expect(forms.some((form) => encoded.includes(form))).toBe(true);
      }
    }),
  );
});

test('escaped and encoded values hold one of their forms', () => {
  fc.assert(
    fc.property(secret, (value) => {
      const forms = shown(value);
      const text = value.toWellFormed();
      for (const encoded of [
        JSON.stringify(value),
        JSON.stringify({ inner: JSON.stringify(value) }),
        encodeURIComponent(text),
        new URLSearchParams({ value: text }).toString(),
        Buffer.from(value).toString('hex'),
      ]) {
        expect(forms.some((form) => encoded.includes(form))).toBe(true);
      }
    }),
  );
});

test('a long value is found in base64 that is broken into lines', () => {
  const value = 'k3y-'.repeat(40);
  const lines =
    Buffer.from(value)
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  const forms = new Set(shown(value));
  expect(lines.slice(0, -1).every((line) => forms.has(line))).toBe(true);
});
