/**
 * Keys in AWS KMS (or a server that speaks its protocol). The KEK never leaves KMS; the context travels as KMS's
 * encryption context, so it is also in the account's audit trail. KMS's own yearly rotation keeps the key's ARN and needs
 * nothing from Dais; moving to another key means naming it first and the old one after it.
 */
import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { DaisError } from '@dais/api';
import { AES_KEY_BYTES, fingerprint } from '#lib/crypto/aes-gcm.ts';
import { FINGERPRINT_DOMAIN, type KeyInfo, type KeyStore, type WrappedKey } from '../contract.ts';

export interface KmsKeysOptions {
  /** Key ARNs, key ids or `alias/NAME`, the current one first. Ids and aliases need `kms:DescribeKey` and are resolved once. */
  readonly keys: readonly [string, ...string[]];
  readonly region: string;
  /** Another address than AWS's own: a VPC endpoint or a compatible server. */
  readonly endpoint?: string;
  /** Absent: the SDK's default chain (environment, profile, web identity, instance role). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Whole time for one request, in milliseconds; a request is tried three times. */
  readonly timeoutMs: number;
  /** How requests leave the machine; absent: the SDK's own client, which knows no proxy. */
  readonly requestHandler?: NonNullable<KMSClientConfig['requestHandler']>;
}

/** The name of the context in KMS's encryption context, as key policies and the audit trail see it. */
const CONTEXT_NAME = 'dais-context';
const ARN = /^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]+$/;
const WRONG_CIPHERTEXT = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);
const KEY_GONE = new Set(['NotFoundException', 'DisabledException', 'KMSInvalidStateException']);

export function openKmsKeys(options: KmsKeysOptions): KeyStore {
  return new KmsKeys(options);
}

class KmsKeys implements KeyStore {
  readonly #options: KmsKeysOptions;
  readonly #arns = new Map<string, string>();
  #client: Promise<KMSClient> | undefined;

  constructor(options: KmsKeysOptions) {
    this.#options = options;
  }

  async current(): Promise<KeyInfo> {
    return infoOf(await this.#arnOf(this.#options.keys[0]));
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const { keyId } = await this.current();
    const { EncryptCommand } = await import('@aws-sdk/client-kms');
    const command = new EncryptCommand({
      KeyId: keyId,
      Plaintext: dataKey,
      EncryptionContext: { [CONTEXT_NAME]: context },
    });
    try {
      const { CiphertextBlob } = await (await this.#open()).send(command);
      if (CiphertextBlob === undefined)
        throw new DaisError('keys_unavailable', 'KMS answered Encrypt without a ciphertext');
      return { ...infoOf(keyId), wrapped: Buffer.from(CiphertextBlob) };
    } catch (error) {
      throw unavailable('Encrypt', keyId, error);
    }
  }

  async unwrap({ keyId, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    // Only the keys that the configuration names: a row pointing at a stranger's key must not be trusted.
    const held = await this.list();
    if (!held.some((key) => key.keyId === keyId))
      throw missing(keyId, 'is not named in keys.keys: add it after the first');
    const { DecryptCommand } = await import('@aws-sdk/client-kms');
    const command = new DecryptCommand({
      KeyId: keyId,
      CiphertextBlob: wrapped,
      EncryptionContext: { [CONTEXT_NAME]: context },
    });
    try {
      const { Plaintext } = await (await this.#open()).send(command);
      if (Plaintext?.length !== AES_KEY_BYTES)
        throw new DaisError('key_mismatch', `KMS key ${keyId} gave no 32-byte data key`);
      return Buffer.from(Plaintext);
    } catch (error) {
      if (WRONG_CIPHERTEXT.has(nameOf(error))) {
        throw new DaisError(
          'key_mismatch',
          `KMS key ${keyId} does not open this value: it was changed or belongs elsewhere`,
          { cause: error },
        );
      }
      if (nameOf(error) === 'AccessDeniedException' && (await this.#works(keyId))) {
        throw new DaisError('key_mismatch', `this value was not wrapped by KMS key ${keyId}`, { cause: error });
      }
      if (KEY_GONE.has(nameOf(error)))
        throw missing(keyId, `cannot be used in KMS (${nameOf(error)}): enable it there`);
      throw unavailable('Decrypt', keyId, error);
    }
  }

  async rotate(): Promise<KeyInfo> {
    throw new DaisError(
      'keys_read_only',
      'switch on rotation in KMS (the ARN stays), or put the new key before the others in keys.keys and restart',
    );
  }

  async list(): Promise<readonly KeyInfo[]> {
    const arns = [];
    for (const key of this.#options.keys) arns.push(await this.#arnOf(key));
    return [...new Set(arns)].map(infoOf);
  }

  async close(): Promise<void> {
    const client = await this.#client;
    client?.destroy();
  }

  /**
   * KMS says AccessDenied both when the caller may not use the key and when the bytes name another key that the caller
   * may not use. Only the first is also true of a value wrapped just now.
   */
  async #works(keyId: string): Promise<boolean> {
    const { DecryptCommand, EncryptCommand } = await import('@aws-sdk/client-kms');
    const client = await this.#open();
    const EncryptionContext = { [CONTEXT_NAME]: 'dais/probe' };
    try {
      const sent = await client.send(
        new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.alloc(1), EncryptionContext }),
      );
      await client.send(new DecryptCommand({ KeyId: keyId, CiphertextBlob: sent.CiphertextBlob, EncryptionContext }));
      return true;
    } catch {
      return false;
    }
  }

  async #arnOf(key: string): Promise<string> {
    if (ARN.test(key)) return key;
    const known = this.#arns.get(key);
    if (known !== undefined) return known;
    const { DescribeKeyCommand } = await import('@aws-sdk/client-kms');
    try {
      const { KeyMetadata } = await (await this.#open()).send(new DescribeKeyCommand({ KeyId: key }));
      const arn = KeyMetadata?.Arn;
      if (arn === undefined) throw new DaisError('keys_unavailable', `KMS does not tell the ARN of ${key}`);
      this.#arns.set(key, arn);
      return arn;
    } catch (error) {
      throw unavailable('DescribeKey', key, error);
    }
  }

  async #open(): Promise<KMSClient> {
    this.#client ??= connect(this.#options);
    return await this.#client;
  }
}

async function connect(options: KmsKeysOptions): Promise<KMSClient> {
  const { KMSClient } = await import('@aws-sdk/client-kms');
  const { region, endpoint, credentials, timeoutMs, requestHandler } = options;
  return new KMSClient({
    region,
    maxAttempts: 3,
    requestHandler: requestHandler ?? {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials !== undefined && { credentials }),
  });
}

function infoOf(arn: string): KeyInfo {
  return { keyId: arn, fingerprint: fingerprint(FINGERPRINT_DOMAIN, arn) };
}

function missing(arn: string, why: string): DaisError {
  return new DaisError('key_missing', `KMS key ${arn} (fingerprint ${infoOf(arn).fingerprint}) ${why}`);
}

function nameOf(error: unknown): string {
  if (error instanceof DaisError) return error.message;
  return error instanceof Error ? error.name : 'unknown';
}

/** Only the error's name is told: KMS's messages name the caller's identity, which is not everybody's business. */
function unavailable(operation: string, key: string, error: unknown): DaisError {
  if (error instanceof DaisError && error.code.startsWith('key')) return error;
  return new DaisError('keys_unavailable', `KMS did not do ${operation} with ${key} (${nameOf(error)})`, {
    cause: error,
  });
}
