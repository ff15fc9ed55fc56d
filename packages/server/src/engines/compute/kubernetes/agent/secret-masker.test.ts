import fc from 'fast-check';
import { expect, test } from 'vitest';
import { secretForms } from '#lib/crypto/secret-forms.ts';
import { SecretMasker } from './secret-masker.ts';

/** Masks each byte that is part of a secret; adjacent secrets have one mask. */
function model(secrets: readonly string[], text: string): string {
  const forms = secretForms(secrets).map((form) => form.toString('latin1'));
  const ranges: [number, number][] = [];
  for (let at = 0; at < text.length; at++) {
    const longest = Math.max(0, ...forms.filter((form) => text.startsWith(form, at)).map((form) => form.length));
    if (longest === 0) continue;
    const last = ranges.at(-1);
    if (last !== undefined && at <= last[1]) last[1] = Math.max(last[1], at + longest);
    else ranges.push([at, at + longest]);
  }
  let [out, at] = ['', 0];
  for (const [from, to] of ranges) {
    out += `${text.slice(at, from)}***`;
    at = to;
  }
  return out + text.slice(at);
}

/** Few letters, so that secrets overlap, repeat and are split. */
const word = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });
const pieces = fc.array(fc.record({ text: word(1, 9), restarts: fc.boolean() }), { minLength: 1, maxLength: 12 });

test('removes all of a secret, for any split of the output and any restarts of the agent', () => {
  const property = fc.property(fc.array(word(6, 9), { minLength: 1, maxLength: 3 }), pieces, (secrets, parts) => {
    const variables = Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret]));
    const whole = parts.map(({ text }) => text).join('');
    let masker = new SecretMasker(variables, { covered: 0, isInside: false });
    let [out, received] = ['', 0];
    for (const { text, restarts } of parts) {
      received += text.length;
      out += masker.mask(Buffer.from(text)).toString('latin1');
      if (!restarts) continue;
      // The shim sends again what was held back.
      const held = whole.slice(received - masker.heldBytes, received);
      masker = new SecretMasker(variables, masker.state);
      out += masker.mask(Buffer.from(held)).toString('latin1');
    }
    out += masker.end().toString('latin1');
    expect(out).toBe(model(secrets, whole));
  });
  fc.assert(property);
});

test('passes output on at once unless it could be the start of a secret', () => {
  const masker = new SecretMasker({ KEY: 'secret-value' }, { covered: 0, isInside: false });
  expect(masker.mask(Buffer.from('a line\nsecr')).toString()).toBe('a line\n');
  expect(masker.heldBytes).toBe(4);
  expect(masker.mask(Buffer.from('etary\n')).toString()).toBe('secretary\n');
  expect(new SecretMasker({}, masker.state).mask(Buffer.from([0, 255]))).toEqual(Buffer.from([0, 255]));
});
