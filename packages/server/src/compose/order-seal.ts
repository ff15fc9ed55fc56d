/** Encrypts the orders of tasks on other machines with the key store. An order lives as long as its attempt, so that no rotation of keys wraps it again. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import type { KeyStore } from '#engines/keys/contract.ts';
import { open, seal, type Sealed } from '#kinds/secret/sealing.ts';

/** Interface: `name` is authenticated and not stored. */
export interface OrderSeal {
  seal(order: Buffer, name: string): Promise<Buffer>;
  /** @throws DaisError `key_mismatch` for other bytes, or for those of another name; `key_missing`, `keys_unavailable` */
  open(sealed: Buffer, name: string): Promise<Buffer>;
}

/** Everything of a sealed order but its ciphertext, as JSON; bytes in Base64. The length of the JSON is in the four bytes before it. */
const header = z.object({
  v: z.literal(1),
  keyId: z.string(),
  fingerprint: z.string(),
  wrapped: z.string(),
  iv: z.string(),
  tag: z.string(),
});

const LENGTH_BYTES = 4;

export function orderSeal(keys: KeyStore): OrderSeal {
  return {
    seal: async (order, name) => pack(await seal(keys, order, contextOf(name))),
    open: async (sealed, name) => await open(keys, unpack(sealed, name), contextOf(name)),
  };
}

const contextOf = (name: string): string => `tasks/order/${name}`;

function pack({ v, keyId, fingerprint, wrapped, iv, ciphertext, tag }: Sealed): Buffer {
  const [wrappedText = '', ivText = '', tagText = ''] = [wrapped, iv, tag].map((bytes) => bytes.toString('base64'));
  const fields: z.infer<typeof header> = { v, keyId, fingerprint, wrapped: wrappedText, iv: ivText, tag: tagText };
  const text = Buffer.from(JSON.stringify(fields));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, ciphertext]);
}

function unpack(packed: Buffer, name: string): Sealed {
  try {
    const end = LENGTH_BYTES + packed.readUInt32BE();
    const { wrapped, iv, tag, ...fields } = header.parse(
      JSON.parse(packed.subarray(LENGTH_BYTES, end).toString('utf8')),
    );
    return {
      ...fields,
      wrapped: Buffer.from(wrapped, 'base64'),
      iv: Buffer.from(iv, 'base64'),
      tag: Buffer.from(tag, 'base64'),
      ciphertext: packed.subarray(end),
    };
  } catch (error) {
    throw new DaisError('key_mismatch', `The stored order ${name} is damaged.`, { cause: error });
  }
}
