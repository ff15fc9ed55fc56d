import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { signatureHeaders } from './standard-webhook.ts';

const now = () => Math.floor(Date.now() / 1000);

test('the reference library accepts every signature and no changed body, id or time', () => {
  fc.assert(
    fc.property(fc.string(), fc.uuid(), (text, id) => {
      const body = JSON.stringify({ text });
      const secret = `whsec_${randomBytes(24).toString('base64')}`;
      const judge = new Webhook(secret);
      const at = now();
      const headers = signatureHeaders(secret, id, at, body);
      expect(judge.verify(body, headers)).toEqual({ text });
      expect(() => judge.verify(`${body} `, headers)).toThrow('signature');
      expect(() => judge.verify(body, { ...headers, 'webhook-id': `${id}x` })).toThrow('signature');
      expect(() => judge.verify(body, { ...headers, 'webhook-timestamp': String(at - 1) })).toThrow('signature');
    }),
  );
});

test('a key without whsec_ is used literally', () => {
  const headers = signatureHeaders('a plain key', 'id', now(), '{}');
  expect(new Webhook('a plain key', { format: 'raw' }).verify('{}', headers)).toEqual({});
});

test('without a key the delivery is still named and dated', () => {
  expect(signatureHeaders(undefined, 'id', 1_700_000_000, '{}')).toEqual({
    'webhook-id': 'id',
    'webhook-timestamp': '1700000000',
  });
});
