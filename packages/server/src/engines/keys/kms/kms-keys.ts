/**
 * Keys in AWS KMS (or a compatible server). The KEK never leaves KMS; the context is the encryption context of KMS, so it is
 * also in the audit trail of the account. The yearly rotation of KMS keeps the ARN and needs no change in Dais; to move to
 * another key, list it first and the old one after it.
 */
import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { DaisError } from '@dais/api';
import { AES_KEY_BYTES, fingerprint } from '#lib/crypto/aes-gcm.ts';
import { FINGERPRINT_DOMAIN, type KeyInfo, type KeyStore, type WrappedKey } from '../contract.ts';

export interface KmsKeysOptions {
  /** Key ARNs, key ids or `alias/NAME`, the current one first. Ids and aliases need `kms:DescribeKey` and are resolved once. */
  readonly keys: readonly [string, ...string[]];
  readonly region: string;
  /** A VPC endpoint or the endpoint of a compatible server. Default: AWS. */
  readonly endpoint?: string;
  /** Absent: the SDK's default chain (environment, profile, web identity, instance role). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Total time limit of a request in milliseconds; a request has three attempts. */
  readonly timeoutMs: number;
  /** The HTTP client for requests; absent: the client of the SDK, which does not support a proxy. */
  readonly requestHandler?: NonNullable<KMSClientConfig['requestHandler']>;
}

/** The name of the context in the encryption context of KMS, for key policies and the audit trail. */
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
        throw new DaisError('keys_unavailable', 'KMS returned no ciphertext for Encrypt');
      return { ...infoOf(keyId), wrapped: Buffer.from(CiphertextBlob) };
    } catch (error) {
      throw unavailable('Encrypt', keyId, error);
    }
  }

  async unwrap({ keyId, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    // Only configured keys: a row that refers to a foreign key must not be trusted.
    const held = await this.list();
    if (!held.some((key) => key.keyId === keyId))
      throw missing(keyId, 'is not in keys.keys: add it after the first key');
    const { DecryptCommand } = await import('@aws-sdk/client-kms');
    const command = new DecryptCommand({
      KeyId: keyId,
      CiphertextBlob: wrapped,
      EncryptionContext: { [CONTEXT_NAME]: context },
    });
    try {
      const { Plaintext } = await (await this.#open()).send(command);
      if (Plaintext?.length !== AES_KEY_BYTES)
        throw new DaisError('key_mismatch', `KMS key ${keyId} returned no 32-byte data key`);
      return Buffer.from(Plaintext);
    } catch (error) {
      if (WRONG_CIPHERTEXT.has(nameOf(error))) {
        throw new DaisError(
          'key_mismatch',
          `KMS key ${keyId} cannot decrypt this value: the value was changed or belongs to another context`,
          { cause: error },
        );
      }
      if (nameOf(error) === 'AccessDeniedException' && (await this.#works(keyId))) {
        throw new DaisError('key_mismatch', `KMS key ${keyId} did not wrap this value`, { cause: error });
      }
      if (KEY_GONE.has(nameOf(error)))
        throw missing(keyId, `cannot be used in KMS (${nameOf(error)}): enable it there`);
      throw unavailable('Decrypt', keyId, error);
    }
  }

  async rotate(): Promise<KeyInfo> {
    throw new DaisError(
      'keys_read_only',
      'enable rotation in KMS (the ARN does not change), or put the new key before the others in keys.keys and restart',
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
   * KMS returns AccessDenied both when the caller may not use the key and when the ciphertext belongs to another key that the
   * caller may not use. Only in the first case a newly wrapped value also fails.
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
      if (arn === undefined) throw new DaisError('keys_unavailable', `KMS returned no ARN for ${key}`);
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

/** Only the name of the error is reported: messages of KMS contain the identity of the caller. */
function unavailable(operation: string, key: string, error: unknown): DaisError {
  if (error instanceof DaisError && error.code.startsWith('key')) return error;
  return new DaisError('keys_unavailable', `KMS rejected ${operation} with ${key} (${nameOf(error)})`, {
    cause: error,
  });
}
