/** Hashes and signatures of the audit log, by Node's own cryptography. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { DaisError } from '@dais/api';
import {
  keyHashInput,
  parseCheckpoint,
  parseVerifierKey,
  type Checkpoint,
  type TreeHasher,
  type VerifierKey,
} from '@dais/api/tlog';

const NODE = Buffer.from([1]);

export const treeHasher: TreeHasher = {
  leaf: (entry) => createHash('sha256').update('\0').update(entry).digest(),
  node: (left, right) => createHash('sha256').update(NODE).update(left).update(right).digest(),
  empty: createHash('sha256').digest(),
};

export interface LogKey {
  readonly name: string;
  /** Returns the text of the note if this key signed it. */
  open(note: string): Checkpoint | undefined;
}

/** RFC 8410: the SubjectPublicKeyInfo prefix of the 32 bytes of an Ed25519 public key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** From `name+hash+key`. @throws DaisError `invalid_request`. */
export function logKey(text: string): LogKey {
  const parsed = parseVerifierKey(text);
  if (parsed === undefined || !hashFits(parsed)) {
    throw new DaisError('invalid_request', 'Invalid public key. Expected `name+hash+key` from `dais audit key`.');
  }
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, parsed.publicKey]), format: 'der', type: 'spki' });
  return { name: parsed.name, open: (note) => openNote(note, parsed, key) };
}

function hashFits({ name, publicKey, keyHash }: VerifierKey): boolean {
  return createHash('sha256').update(keyHashInput(name, publicKey)).digest('hex').startsWith(keyHash);
}

function openNote(note: string, { name, keyHash }: VerifierKey, key: KeyObject): Checkpoint | undefined {
  const read = parseCheckpoint(note);
  const ours = read?.signatures.find((one) => one.name === name && one.keyHash === keyHash);
  if (read === undefined || ours === undefined) return undefined;
  return verify(null, Buffer.from(read.text), key, ours.signature) ? read.checkpoint : undefined;
}
