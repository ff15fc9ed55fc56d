/**
 * Keys in a folder: one file for each key, never changed once written, so that two processes that rotate at the same
 * time only add two keys. The id starts with the time, so the last name in order is the current key; it ends with the
 * fingerprint, so that a missing key can be named exactly.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { DaisError } from '@dais/api';
import {
  AES_KEY_BYTES,
  decryptGcm,
  encryptGcm,
  fingerprint as fingerprintOf,
  packGcm,
  unpackGcm,
} from '#lib/crypto/aes-gcm.ts';
import { FINGERPRINT_DOMAIN, type KeyInfo, type KeyStore, type WrappedKey } from '../contract.ts';

export interface FileKeysOptions {
  /** Absolute path of the folder that holds the keys, outside `dataFolder`. Made (0700) with the first key. */
  readonly folder: string;
  /** Keys inside the data folder would travel with every copy of it. */
  readonly dataFolder: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Receives one line for the person who runs the server, each time a key is made. */
  readonly announce: (message: string) => void;
}

const FILE_NAME = /^(\d{8}T\d{9}Z-[0-9a-f]{16})\.key$/;
const CONTENT = /^dais-key-v1 ([A-Za-z0-9+/]{43}=)\n$/;

/** @throws DaisError `invalid_config` when the folder lies inside the data folder. */
export async function openFileKeys(options: FileKeysOptions): Promise<KeyStore> {
  const folder = await realFolder(options.folder);
  const inside = relative(await realFolder(options.dataFolder), folder);
  if (inside === '' || !(inside === '..' || inside.startsWith('../'))) {
    throw new DaisError(
      'invalid_config',
      `keys.folder ${options.folder} lies inside the data folder ${options.dataFolder}: name a folder outside it`,
      { issues: [{ path: 'spec.keys.folder', message: 'lies inside the data folder' }] },
    );
  }
  return new FileKeys({ ...options, folder });
}

class FileKeys implements KeyStore {
  readonly #options: FileKeysOptions;
  /** Key files never change, so what was read once stays true. */
  readonly #keys = new Map<string, Buffer>();
  #first: Promise<KeyInfo> | undefined;

  constructor(options: FileKeysOptions) {
    this.#options = options;
  }

  async current(): Promise<KeyInfo> {
    const [newest] = await this.list();
    if (newest !== undefined) return newest;
    this.#first ??= this.rotate().finally(() => {
      this.#first = undefined;
    });
    return await this.#first;
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const { keyId, fingerprint } = await this.current();
    return { keyId, fingerprint, wrapped: packGcm(encryptGcm(await this.#read(keyId), dataKey, aadOf(context))) };
  }

  async unwrap({ keyId, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    const held = await this.list();
    if (!held.some((key) => key.keyId === keyId)) {
      throw new DaisError(
        'key_missing',
        `key ${keyId} (fingerprint ${keyId.slice(-16)}) is not in ${this.#options.folder}: put its file ${keyId}.key back`,
      );
    }
    const box = unpackGcm(wrapped);
    const dataKey = box && decryptGcm(await this.#read(keyId), box, aadOf(context));
    if (dataKey === undefined) {
      throw new DaisError('key_mismatch', `key ${keyId} does not open this value: it was changed or belongs elsewhere`);
    }
    return dataKey;
  }

  async rotate(): Promise<KeyInfo> {
    const { folder, now, announce } = this.#options;
    const [newest] = await this.list();
    const key = randomBytes(AES_KEY_BYTES);
    const print = fingerprintOf(FINGERPRINT_DOMAIN, key);
    // A clock that went back must not make a key that sorts before the one it replaces.
    const time = Math.max(now(), newest === undefined ? 0 : timeOf(newest.keyId) + 1);
    const keyId = `${new Date(time).toISOString().replaceAll(/[-:.]/g, '')}-${print}`;
    const path = join(folder, `${keyId}.key`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#checkPrivate(folder);
      await writeDurably(path, `dais-key-v1 ${key.toString('base64')}\n`);
    } catch (error) {
      throw asUnavailable(error, `cannot write a key to ${folder}`);
    }
    this.#keys.set(keyId, key);
    announce(
      `Made the key ${print} in ${path}. Keep a copy of it apart from the backups: without it no secret can be read again.`,
    );
    return { keyId, fingerprint: print };
  }

  async list(): Promise<readonly KeyInfo[]> {
    const { folder } = this.#options;
    let names: string[];
    try {
      names = await readdir(folder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw asUnavailable(error, `cannot read the key folder ${folder}`);
    }
    const ids = names.flatMap((name) => FILE_NAME.exec(name)?.[1] ?? []);
    if (ids.length > 0) await this.#checkPrivate(folder);
    return ids
      .sort()
      .reverse()
      .map((keyId) => ({ keyId, fingerprint: keyId.slice(-16) }));
  }

  async close(): Promise<void> {
    this.#keys.clear();
  }

  async #read(keyId: string): Promise<Buffer> {
    const known = this.#keys.get(keyId);
    if (known !== undefined) return known;
    const path = join(this.#options.folder, `${keyId}.key`);
    await this.#checkPrivate(path);
    let text: string;
    try {
      text = await readFile(path, 'ascii');
    } catch (error) {
      throw asUnavailable(error, `cannot read the key file ${path}`);
    }
    const key = Buffer.from(CONTENT.exec(text)?.[1] ?? '', 'base64');
    if (key.length !== AES_KEY_BYTES || fingerprintOf(FINGERPRINT_DOMAIN, key) !== keyId.slice(-16)) {
      throw new DaisError('keys_unavailable', `the key file ${path} is damaged: put a copy of it back`);
    }
    this.#keys.set(keyId, key);
    return key;
  }

  /** A key that others can read is no key; a folder that others can write lets them plant one. */
  async #checkPrivate(path: string): Promise<void> {
    let mode: number;
    let owner: number;
    try {
      ({ mode, uid: owner } = await stat(path));
    } catch (error) {
      throw asUnavailable(error, `cannot read ${path}`);
    }
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8);
      throw new DaisError(
        'keys_unavailable',
        `${path} is open to other users of this machine (mode ${octal}): run chmod go= ${path}`,
      );
    }
    const self = process.geteuid?.();
    if (owner !== self && owner !== 0) {
      throw new DaisError('keys_unavailable', `${path} belongs to user ${owner}: run chown ${self} ${path}`);
    }
  }
}

function aadOf(context: string): string {
  return `dais/kek-wrap/v1\0${context}`;
}

function timeOf(keyId: string): number {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z/.exec(keyId) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

/** Durable when it resolves: the bytes before the name, and the name before the answer. */
async function writeDurably(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  try {
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The path with every symbolic link resolved, also when its last parts do not exist yet. */
async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(absolute) === absolute) throw asUnavailable(error, `cannot read ${path}`);
    return join(await realFolder(dirname(absolute)), basename(absolute));
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

function asUnavailable(error: unknown, what: string): DaisError {
  if (error instanceof DaisError) return error;
  return new DaisError('keys_unavailable', `${what} (${codeOf(error)})`, { cause: error });
}
