/**
 * Checkpoints: the signed state of a log at one time. The format is C2SP tlog-checkpoint in a C2SP signed-note
 * (https://c2sp.org/tlog-checkpoint, https://c2sp.org/signed-note), so that verifiers of others can read them.
 */
import { fromBase64, toBase64 } from '#tlog/base64.ts';
import type { Hash } from '#tlog/tree.ts';

export interface Checkpoint {
  /** Names the log. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export interface NoteSignature {
  readonly name: string;
  /** The first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), as hexadecimal. */
  readonly keyHash: string;
  readonly signature: Uint8Array;
}

export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The signed text: the lines up to the empty one. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** The public key of checkpoints in its shareable form: `name+hash+base64(0x01 ‖ public key)`. */
export interface VerifierKey {
  readonly name: string;
  readonly keyHash: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

const ED25519 = 1;

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

export function signedNote(text: string, { name, keyHash, signature }: NoteSignature): string {
  const bytes = new Uint8Array(4 + signature.length);
  bytes.set(fromHex(keyHash));
  bytes.set(signature, 4);
  return `${text}\n— ${name} ${toBase64(bytes)}\n`;
}

/** Undefined unless it is a signed checkpoint. Signatures are parsed, not verified. */
export function parseCheckpoint(note: string): SignedCheckpoint | undefined {
  const split = note.indexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, split + 1);
  const [origin, size = '', root = ''] = text.split('\n');
  const hash = fromBase64(root);
  if (!origin || !/^(0|[1-9]\d{0,14})$/.test(size) || hash?.length !== 32) return undefined;
  const signatures = note
    .slice(split + 2, -1)
    .split('\n')
    .map(parseSignature);
  if (signatures.length === 0 || !signatures.every((one) => one !== undefined)) return undefined;
  return { checkpoint: { origin, size: Number(size), root: hash }, text, signatures };
}

function parseSignature(line: string): NoteSignature | undefined {
  const match = /^— (\S+) (\S+)$/.exec(line);
  const bytes = fromBase64(match?.[2] ?? '');
  if (match === null || bytes === undefined || bytes.length < 5) return undefined;
  return { name: match[1] ?? '', keyHash: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** The bytes whose SHA-256 starts with the key's hash. */
export function keyHashInput(name: string, publicKey: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(`${name}\n`);
  const bytes = new Uint8Array(head.length + 1 + publicKey.length);
  bytes.set(head);
  bytes[head.length] = ED25519;
  bytes.set(publicKey, head.length + 1);
  return bytes;
}

export function verifierKeyText({ name, keyHash, publicKey }: VerifierKey): string {
  const bytes = new Uint8Array(1 + publicKey.length);
  bytes[0] = ED25519;
  bytes.set(publicKey, 1);
  return `${name}+${keyHash}+${toBase64(bytes)}`;
}

/** Undefined for an invalid text. Callers with SHA-256 compare the hash with the key. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  const bytes = fromBase64(match?.[3] ?? '');
  if (match === null || bytes?.length !== 33 || bytes[0] !== ED25519) return undefined;
  return { name: match[1] ?? '', keyHash: match[2] ?? '', publicKey: bytes.subarray(1) };
}

/** Parses concatenated notes. `rest` is the incomplete end of an interrupted write. */
export function splitNotes(text: string): { readonly notes: readonly string[]; readonly rest: string } {
  const notes: string[] = [];
  let from = 0;
  for (const match of text.matchAll(/\n\n(?:— [^\n]*\n)+/g)) {
    const end = match.index + match[0].length;
    notes.push(text.slice(from, end));
    // Writers separate concatenated notes by an empty line.
    from = text.startsWith('\n', end) ? end + 1 : end;
  }
  return { notes, rest: text.slice(from) };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Of hexadecimal text of even length. */
function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(at * 2, at * 2 + 2), 16));
}
