import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decryptGcm, encryptGcm, fingerprint, packGcm, unpackGcm } from '#lib/crypto/aes-gcm.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

describe('AES-256-GCM', () => {
  test('opens the published vector (McGrew and Viega, test case 16)', () => {
    const box = {
      iv: Buffer.from('cafebabefacedbaddecaf888', 'hex'),
      ciphertext: Buffer.from(
        '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa' +
          '8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662',
        'hex',
      ),
      tag: Buffer.from('76fc6ece0f4e1768cddf8853bb2d551b', 'hex'),
    };
    const key = Buffer.from('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308', 'hex');
    const aad = Buffer.from('feedfacedeadbeeffeedfacedeadbeefabaddad2', 'hex');
    expect(decryptGcm(key, box, aad)?.toString('hex')).toBe(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
  });

  test('round trip; with any changed byte, other text or other key decryption fails', () => {
    fc.assert(
      fc.property(bytes, fc.string(), fc.nat(), (plaintext, aad, where) => {
        const key = randomBytes(32);
        const packed = packGcm(encryptGcm(key, plaintext, aad));
        expect(decryptGcm(key, unpackGcm(packed)!, aad)).toEqual(plaintext);
        expect(decryptGcm(key, unpackGcm(packed)!, `${aad}x`)).toBeUndefined();
        expect(decryptGcm(randomBytes(32), unpackGcm(packed)!, aad)).toBeUndefined();
        packed[where % packed.length]! ^= 0x40;
        expect(decryptGcm(key, unpackGcm(packed)!, aad)).toBeUndefined();
      }),
    );
  });

  test('rejects a short tag or nonce, with any bytes', () => {
    const key = randomBytes(32);
    const box = encryptGcm(key, Buffer.from('x'), '');
    expect(decryptGcm(key, { ...box, tag: box.tag.subarray(0, 4) }, '')).toBeUndefined();
    expect(decryptGcm(key, { ...box, iv: box.iv.subarray(0, 8) }, '')).toBeUndefined();
    expect(unpackGcm(Buffer.alloc(27))).toBeUndefined();
  });

  test('the domain is part of a fingerprint', () => {
    expect(fingerprint('a', 'value')).toMatch(/^[0-9a-f]{16}$/);
    expect(fingerprint('a', 'value')).not.toBe(fingerprint('b', 'value'));
    expect(fingerprint('a', Buffer.from('value'))).toBe(fingerprint('a', 'value'));
  });
});
