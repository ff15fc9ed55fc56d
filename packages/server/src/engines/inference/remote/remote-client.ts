/**
 * Calls of one model at a server of the Open Inference Protocol, through the outbound client: kept connections, the address
 * rules of the installation, no redirects. No error contains the credentials.
 */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api/errors';
import { chainOf } from '#lib/outbound/failure-text.ts';
import type { Outbound, OutboundAnswer } from '#lib/outbound/outbound.ts';
import { ModelError, type InferOptions, type RemoteModel, type Tensor } from '../contract.ts';
import { writeInfer } from './infer-request.ts';
import { readInfer } from './infer-response.ts';
import { hasBinaryTensors, readModelMetadata, type ModelMetadata } from './metadata.ts';

/** Limit of one call for health or metadata. */
const CHECK_MS = 2000;
const MOST_CHECK_BYTES = 1024 * 1024;
const MOST_RESPONSE_BYTES = 256 * 1024 * 1024;
const LONGEST_MESSAGE = 500;
const RETRY_SECONDS = 2;
const LONGEST_RETRY_SECONDS = 60;
/** The connection ended, or there was none. */
const LOST: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export class RemoteClient {
  readonly #remote: RemoteModel;
  readonly #outbound: Outbound;
  readonly #origin: string;
  readonly #modelPath: string;

  constructor(remote: RemoteModel, outbound: Outbound) {
    this.#remote = remote;
    this.#outbound = outbound;
    this.#origin = new URL(remote.url).origin;
    const version = remote.version === undefined ? '' : `/versions/${encodeURIComponent(remote.version)}`;
    this.#modelPath = `/v2/models/${encodeURIComponent(remote.model)}${version}`;
  }

  /** @throws DaisError `model_unavailable` unless the server and the model are ready; `address_refused`. */
  async requireReady(): Promise<void> {
    await this.#check('/v2/health/ready');
    await this.requireModelReady();
  }

  /** @throws as `requireReady`. */
  async requireModelReady(): Promise<void> {
    await this.#check(`${this.#modelPath}/ready`);
  }

  /** Whether the server accepts and returns tensors as bytes. A server without metadata does not. */
  async hasBinaryTensors(): Promise<boolean> {
    const { status, body } = await this.#get('/v2');
    return status === 200 && hasBinaryTensors(jsonOf(body));
  }

  /** @throws as `requireReady`; DaisError `invalid_request` for metadata that is not valid. */
  async metadata(): Promise<ModelMetadata> {
    const body = await this.#check(this.#modelPath);
    return readModelMetadata(jsonOf(body), `${this.#origin}${this.#modelPath}`);
  }

  /**
   * Sends the request a second time if the connection ended before the response started. `timeoutMs`: of both together.
   * @throws ModelError when the server rejects the input; DaisError `model_unavailable`, `too_large`, `rate_limited`.
   */
  async infer(
    inputs: readonly Tensor[],
    { outputs, parameters, signal }: InferOptions,
    { isBinary, timeoutMs }: { readonly isBinary: boolean; readonly timeoutMs: number },
  ): Promise<readonly Tensor[]> {
    const sent = writeInfer(
      inputs,
      { ...(outputs !== undefined && { outputs }), ...(parameters && { parameters }) },
      isBinary,
    );
    const until = performance.now() + timeoutMs;
    const post = async () =>
      await this.#open(`${this.#modelPath}/infer`, {
        method: 'POST',
        ...sent,
        timeoutMs: Math.max(1, Math.ceil(until - performance.now())),
        maxBytes: MOST_RESPONSE_BYTES,
        signal,
      });
    const answer = await post()
      .catch(async (error: unknown) => {
        if (!this.#isLost(error)) throw error;
        return await post();
      })
      .then(async ({ body, ...head }) => ({ ...head, body: await buffer(body) }))
      .catch((error: unknown) => {
        if (signal?.aborted === true) throw signal.reason;
        throw this.#asUnavailable(error);
      });
    if (answer.status !== 200) throw this.#inferError(answer);
    return readInfer(answer.body, answer.headers['inference-header-content-length'], outputs);
  }

  async close(): Promise<void> {
    await this.#outbound.close();
  }

  /** Returns the body of a response with status 200. */
  async #check(path: string): Promise<Buffer> {
    const answer = await this.#get(path);
    if (answer.status !== 200) {
      throw notReady(
        this.#commonProblem(answer) ??
          `${this.#origin}${path} returned status ${answer.status}${this.#messageOf(answer)}.`,
      );
    }
    return answer.body;
  }

  async #get(path: string): Promise<Answer> {
    try {
      const { body, ...head } = await this.#open(path, { timeoutMs: CHECK_MS, maxBytes: MOST_CHECK_BYTES });
      return { ...head, body: await buffer(body) };
    } catch (error) {
      if (this.#outbound.errorCodeOf(error) === 'address_refused') throw error;
      throw this.#asUnavailable(error);
    }
  }

  async #open(
    path: string,
    {
      method = 'GET',
      headers = {},
      body,
      timeoutMs,
      maxBytes,
      signal,
    }: {
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Buffer;
      readonly timeoutMs: number;
      readonly maxBytes: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<OutboundAnswer<Readable>> {
    return await this.#outbound.stream({
      url: `${this.#remote.url}${path}`,
      method,
      headers: { ...headers, ...this.#credentials() },
      ...(body !== undefined && { body }),
      timeouts: { totalMs: timeoutMs, headersMs: timeoutMs, idleMs: timeoutMs },
      maxBytes,
      ...(signal !== undefined && { signal }),
    });
  }

  #credentials(): Readonly<Record<string, string>> {
    const { header } = this.#remote;
    if (header === undefined) return {};
    const value = this.#secret();
    if (value === undefined) {
      throw notReady('the gateway has no value of its credentials. Check that the Secret exists and contains the key.');
    }
    // The characters of a header value; the value itself stays out of the error.
    if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(value)) {
      throw notReady('its credentials contain characters that an HTTP header cannot contain. Correct the Secret.');
    }
    return { [header]: header === 'authorization' ? `Bearer ${value}` : value };
  }

  /** Files with secrets often end with a newline. */
  #secret(): string | undefined {
    return this.#remote.credentials?.()?.trim();
  }

  /** No byte of a response came. */
  #isLost(error: unknown): boolean {
    return (
      this.#outbound.errorCodeOf(error) === 'upstream_failed' &&
      chainOf(error).some((one) => LOST.has((one as NodeJS.ErrnoException).code))
    );
  }

  #asUnavailable(error: unknown): Error {
    const code = this.#outbound.errorCodeOf(error);
    if (code === undefined) return error instanceof Error ? error : new Error(String(error));
    const text = (error as Error).message;
    const hint = text.includes('outbound.extraCa') ? ', or to `ca` of the server in the endpoint' : '';
    return notReady(`${text}${hint}.`, error);
  }

  /** The response to an infer request that is no prediction. */
  #inferError(answer: Answer): DaisError {
    const { status, headers } = answer;
    const message = this.#messageOf(answer);
    const common = this.#commonProblem(answer);
    if (common !== undefined) return notReady(common);
    const retryAfter = retryAfterOf(headers['retry-after']);
    if (status === 413)
      return new DaisError('too_large', `The model server does not accept the request (413)${message}.`);
    if (status === 429)
      return new DaisError('rate_limited', `The model server rejects the request (429)${message}.`, { retryAfter });
    if (status === 404) return notReady(`${this.#origin} has no model \`${this.#called()}\` (404)${message}.`);
    if (status >= 400 && status < 500 && status !== 408)
      return new ModelError(`The model server rejected the request (${status})${message}.`);
    const retry = 'Retry the request; if it fails again, check the log of that server.';
    return new DaisError(
      'model_unavailable',
      `The model server ${this.#origin} returned status ${status}${message}. ${retry}`,
      { retryAfter },
    );
  }

  /** Responses that mean the same for every call. */
  #commonProblem(answer: Answer): string | undefined {
    const { status, headers } = answer;
    if (status === 401 || status === 403) {
      return `${this.#origin} rejects the credentials (${status})${this.#messageOf(answer)}. Check \`credentials\` of the server and its Secret.`;
    }
    if (status < 300 || status >= 400) return undefined;
    const target = originOf(headers['location'], this.#remote.url);
    return `${this.#origin} redirects to ${target} (${status}). Dais does not follow redirects of model servers: set \`url\` to the final address.`;
  }

  #called(): string {
    const { model, version } = this.#remote;
    return version === undefined ? model : `${model}/${version}`;
  }

  /** The message of the server, cleaned and bounded, after a colon; empty: it sent none. */
  #messageOf({ body }: Answer): string {
    const value = jsonOf(body);
    const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined;
    const given = typeof error === 'string' ? error : body.subarray(0, 4 * LONGEST_MESSAGE).toString('utf8');
    const secret = this.#secret();
    const masked = secret === undefined || secret === '' ? given : given.replaceAll(secret, '***');
    const text = masked
      .replaceAll(/[\p{C}\s]+/gu, ' ')
      .trim()
      .replace(/\.$/, '');
    if (text === '') return '';
    return `: ${text.length > LONGEST_MESSAGE ? `${text.slice(0, LONGEST_MESSAGE)}…` : text}`;
  }
}

function notReady(why: string, cause?: unknown): DaisError {
  return new DaisError('model_unavailable', `The model server is not ready: ${why}`, {
    retryAfter: RETRY_SECONDS,
    ...(cause !== undefined && { cause }),
  });
}

function retryAfterOf(header: string | undefined): number {
  const seconds = Number(header);
  return header !== undefined && Number.isInteger(seconds) && seconds >= 0
    ? Math.min(seconds, LONGEST_RETRY_SECONDS)
    : RETRY_SECONDS;
}

/** Without the path and the query of the target, which can be secrets. */
function originOf(location: string | undefined, base: string): string {
  const url = location === undefined || !URL.canParse(location, base) ? undefined : new URL(location, base);
  return url === undefined || !/^https?:$/.test(url.protocol) ? 'another address' : url.origin;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
