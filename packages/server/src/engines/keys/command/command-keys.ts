/**
 * Keys behind a program of the operator (an HSM tool, a vault client). One process per call; the request is one JSON object on
 * standard input, the response one JSON object on standard output, with exit code 0:
 *
 * | request | answer |
 * |-----------------------------------------------------------------------------|--------------------------------------| |
 * `{"version":1,"operation":"current"}` | `{"keyId","fingerprint"}` | | `{"version":1,"operation":"list"}` |
 * `{"keys":[{"keyId","fingerprint"}]}` | | `{"version":1,"operation":"wrap","dataKey":B64,"context":TEXT}` |
 * `{"keyId","fingerprint","wrapped"}` | |
 * `{"version":1,"operation":"unwrap","keyId","fingerprint","wrapped":B64,"context":TEXT}` | `{"dataKey":B64}` |
 *
 * or `{"error":"key_missing"|"key_mismatch"|"unavailable","message":TEXT}`. `dataKey` is 32 bytes; `wrapped` at most 4 KiB;
 * `fingerprint` 16 hex digits, equal exactly when the key is the same; `list` returns the current key first. The program must
 * bind `context` (additional authenticated data): unwrapping with another one is a `key_mismatch`. Its standard error goes to
 * the server log, so it must not write keys there.
 */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import { run } from '#lib/process.ts';
import type { KeyInfo, KeyStore, WrappedKey } from '../contract.ts';

export interface CommandKeysOptions {
  /** Absolute path of the program, then its arguments. No shell interprets them. */
  readonly command: readonly [string, ...string[]];
  /** All environment variables of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** The program is killed after this many milliseconds. */
  readonly timeoutMs: number;
  /** Receives each line that the program writes to standard error. */
  readonly log: (line: string) => void;
}

const keyInfo = z.object({
  keyId: z.string().regex(/^[!-~]{1,256}$/),
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
});
const keyList = z.object({ keys: z.array(keyInfo) });
const wrappedAnswer = z.object({ ...keyInfo.shape, wrapped: z.base64().min(1).max(5_464) });
const unwrappedAnswer = z.object({ dataKey: z.base64().length(44) });
const failure = z.object({ error: z.enum(['key_missing', 'key_mismatch', 'unavailable']), message: z.string() });

export function openCommandKeys(options: CommandKeysOptions): KeyStore {
  return new CommandKeys(options);
}

class CommandKeys implements KeyStore {
  readonly #options: CommandKeysOptions;

  constructor(options: CommandKeysOptions) {
    this.#options = options;
  }

  async current(): Promise<KeyInfo> {
    return await this.#call({ operation: 'current' }, keyInfo);
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const request = { operation: 'wrap', dataKey: dataKey.toString('base64'), context };
    const { keyId, fingerprint, wrapped } = await this.#call(request, wrappedAnswer);
    return { keyId, fingerprint, wrapped: Buffer.from(wrapped, 'base64') };
  }

  async unwrap({ keyId, fingerprint, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    const request = { operation: 'unwrap', keyId, fingerprint, wrapped: wrapped.toString('base64'), context };
    const { dataKey } = await this.#call(request, unwrappedAnswer);
    const bytes = Buffer.from(dataKey, 'base64');
    if (bytes.length !== 32) throw this.#unavailable('returned a data key that is not 32 bytes long');
    return bytes;
  }

  async rotate(): Promise<KeyInfo> {
    throw new DaisError(
      'keys_read_only',
      `create the new key in the key store of ${this.#options.command[0]}; Dais uses it when \`current\` returns it`,
    );
  }

  async list(): Promise<readonly KeyInfo[]> {
    return (await this.#call({ operation: 'list' }, keyList)).keys;
  }

  async close(): Promise<void> {}

  async #call<Answer>(
    request: { readonly operation: string } & Partial<KeyInfo>,
    schema: z.ZodType<Answer>,
  ): Promise<Answer> {
    const { command, env, timeoutMs, log } = this.#options;
    const [file, ...args] = command;
    const result = await run(file, args, {
      env,
      timeoutMs,
      maxOutputBytes: 1 << 20,
      input: JSON.stringify({ version: 1, ...request }),
    });
    for (const line of result.stderr.split('\n').filter((text) => text.trim() !== '')) log(line);
    const { operation } = request;
    if (result.timedOut) throw this.#unavailable(`did not respond to \`${operation}\` within ${timeoutMs} ms`);
    if (result.code === 127) throw this.#unavailable('could not be started; see the log');
    if (result.code !== 0) throw this.#unavailable(`exited with code ${result.code} for \`${operation}\`; see the log`);
    let answer: unknown;
    try {
      answer = JSON.parse(result.stdout.toString('utf8'));
    } catch {
      throw this.#unavailable(`did not return one JSON object for \`${operation}\``);
    }
    const failed = failure.safeParse(answer);
    if (failed.success) throw this.#failed(failed.data, request);
    const parsed = schema.safeParse(answer);
    if (!parsed.success) {
      const where = parsed.error.issues.map((issue) => issue.path.join('.') || 'the response').join(', ');
      throw this.#unavailable(
        `returned an invalid response to \`${operation}\`: ${where} is missing or does not match the protocol`,
      );
    }
    return parsed.data;
  }

  #failed(failed: z.infer<typeof failure>, request: Partial<KeyInfo>): DaisError {
    if (failed.error === 'key_missing') {
      return new DaisError(
        'key_missing',
        `${this.#options.command[0]} does not have key ${request.keyId} (fingerprint ${request.fingerprint})`,
      );
    }
    if (failed.error === 'key_mismatch') {
      return new DaisError(
        'key_mismatch',
        `key ${request.keyId} cannot decrypt this value: the value was changed or belongs to another context`,
      );
    }
    this.#options.log(failed.message);
    return this.#unavailable('reports that its keys are unavailable; see the log');
  }

  #unavailable(what: string): DaisError {
    return new DaisError('keys_unavailable', `the key program ${this.#options.command[0]} ${what}`);
  }
}
