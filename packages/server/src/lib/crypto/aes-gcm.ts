/** AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: sound for up to 2^32 boxes under one key. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { randomBytes } from './random-bytes.ts';

export const AES_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface GcmBox {
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Encrypts with `key` (32 bytes). `aad` is authenticated but not stored: `decryptGcm` needs the same text. */
export function encryptGcm(key: Buffer, plaintext: Buffer, aad: string | Buffer): GcmBox {
  const iv = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(asBytes(aad), { plaintextLength: plaintext.length });
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { iv, ciphertext, tag: cipher.getAuthTag() };
}

/** Undefined if the box has another key or `aad`, or any byte of it was changed. */
export function decryptGcm(key: Buffer, box: GcmBox, aad: string | Buffer): Buffer | undefined {
  // A shorter tag would be accepted by GCM and is far easier to forge, so the lengths are part of the check.
  if (box.iv.length !== NONCE_BYTES || box.tag.length !== TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, box.iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(asBytes(aad), { plaintextLength: box.ciphertext.length });
  decipher.setAuthTag(box.tag);
  const plaintext = decipher.update(box.ciphertext);
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}

/** One buffer for a small box, `iv ‖ ciphertext ‖ tag`: the form in which a wrapped key travels. */
export function packGcm(box: GcmBox): Buffer {
  return Buffer.concat([box.iv, box.ciphertext, box.tag]);
}

/** The reverse of `packGcm`; undefined when there are too few bytes. */
export function unpackGcm(packed: Buffer): GcmBox | undefined {
  if (packed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  return {
    iv: packed.subarray(0, NONCE_BYTES),
    ciphertext: packed.subarray(NONCE_BYTES, packed.length - TAG_BYTES),
    tag: packed.subarray(packed.length - TAG_BYTES),
  };
}

/**
 * 16 hex digits that identify a value without revealing it: SHA-256 over `domain ‖ 0x00 ‖ value`, truncated to 64 bits.
 * Only for values that cannot be guessed (random keys) or are not secret (key names): a short hash reveals a guessable
 * secret.
 */
export function fingerprint(domain: string, value: Buffer | string): string {
  return createHash('sha256').update(domain).update('\0').update(value).digest('hex').slice(0, 16);
}

function asBytes(aad: string | Buffer): Buffer {
  return typeof aad === 'string' ? Buffer.from(aad, 'utf8') : aad;
}
