/** Opens an infer request over HTTP: short ones in place, long JSON on a thread of its own. */
import { DaisError } from '@dais/api/errors';
import {
  BodyThread,
  LONG_BODY,
  type InferResponse,
  type InferRequest,
  type OpenedRequest,
  type Parameters,
  type ReadBody,
  type ServedDescription,
  type ServingCall,
  type ServingReply,
} from '#gateway/index.ts';
import { programUrl } from '#lib/process.ts';
import { modelParameters, timeoutMicros } from './own-parameters.ts';
import { readRawRest, readRest, type RestRequest } from './rest-request.ts';
import { writeRest } from './rest-response.ts';

export type OpenRest = (
  body: Buffer,
  call: ServingCall,
) => OpenedRequest<ServingReply> | Promise<OpenedRequest<ServingReply>>;

export interface RestBodyFormat {
  /** Length of the JSON part of the body. */
  readonly length: number;
  readonly nan: boolean;
}

/** Data of a request that is available before its tensors come from the thread. */
export type LongRest = Omit<RestRequest, 'inputs'>;

/** One thread for all requests, started with the first long one. */
export function restOpener(): OpenRest {
  const thread = new BodyThread<LongRest>(programUrl(import.meta.url, './rest-thread'));
  return (body, { headers }) => {
    const nan = headers['dais-json-nan'] === 'allow';
    const length = jsonLength(headers['inference-header-content-length'], body);
    if (length === 0) return new OpenedRaw(body, nan);
    if (length > LONG_BODY) return openThere(body, { length, nan });
    return new OpenedRest(readRest(body, length, nan), nan);
  };

  async function openThere(body: Buffer, how: RestBodyFormat): Promise<OpenedRequest<ServingReply>> {
    return new OpenedLong(await thread.open(body, how), how.nan);
  }
}

class OpenedRest implements OpenedRequest<ServingReply> {
  readonly #request: RestRequest;
  readonly #nan: boolean;

  constructor(request: RestRequest, nan: boolean) {
    this.#request = request;
    this.#nan = nan;
  }

  get id(): string | undefined {
    return this.#request.id;
  }

  get parameters(): Parameters {
    return this.#request.parameters;
  }

  get timeoutMicros(): number | undefined {
    return timeoutMicros(this.#request.parameters);
  }

  decode(): InferRequest {
    return inferRequest(this.#request);
  }

  encode(answer: InferResponse): ServingReply {
    return written(answer, this.#request, this.#nan);
  }
}

class OpenedLong implements OpenedRequest<ServingReply> {
  readonly #read: ReadBody<LongRest>;
  readonly #nan: boolean;

  constructor(read: ReadBody<LongRest>, nan: boolean) {
    this.#read = read;
    this.#nan = nan;
  }

  get id(): string | undefined {
    return this.#read.meta.id;
  }

  get parameters(): Parameters {
    return this.#read.meta.parameters;
  }

  get timeoutMicros(): number | undefined {
    return timeoutMicros(this.#read.meta.parameters);
  }

  async decode(described: ServedDescription): Promise<InferRequest> {
    return inferRequest({ ...this.#read.meta, inputs: await this.#read.decode(described) });
  }

  close(): void {
    this.#read.close();
  }

  encode(answer: InferResponse): ServingReply {
    return written(answer, { ...this.#read.meta, inputs: [] }, this.#nan);
  }
}

/** A single binary tensor: the model determines its name and type. */
class OpenedRaw implements OpenedRequest<ServingReply> {
  readonly #body: Buffer;
  readonly #nan: boolean;
  readonly id = undefined;
  readonly parameters = undefined;
  readonly timeoutMicros = undefined;
  #request: RestRequest | undefined;

  constructor(body: Buffer, nan: boolean) {
    this.#body = body;
    this.#nan = nan;
  }

  decode(described: ServedDescription): InferRequest {
    this.#request = readRawRest(this.#body, described);
    return inferRequest(this.#request);
  }

  encode(answer: InferResponse): ServingReply {
    return writeRest(answer, this.#request as RestRequest, { nan: this.#nan, binary: true });
  }
}

function inferRequest({ inputs, outputs, parameters }: RestRequest): InferRequest {
  return { inputs, outputs: outputs?.map(({ name }) => name), parameters: modelParameters(parameters) };
}

function written(answer: InferResponse, request: RestRequest, nan: boolean): ServingReply {
  return writeRest(answer, request, { nan, binary: request.parameters['binary_data_output'] === true });
}

/** Returns the offset of binary tensors, if any; an invalid length is reported when the body is available. */
export function binaryAt({ 'inference-header-content-length': header }: ServingCall['headers']): number {
  const length = Number(header ?? 0);
  return Number.isSafeInteger(length) && length > 0 ? length : 0;
}

export function jsonLength(header: string | string[] | undefined, body: Buffer): number {
  if (header === undefined) {
    if (body.length === 0) throw new DaisError('unreadable_body', 'The request has no body.');
    return body.length;
  }
  const length = Number(header);
  if (!/^\d+$/.test(String(header)) || length > body.length) {
    throw new DaisError(
      'invalid_request',
      `Inference-Header-Content-Length is "${String(header)}"; the body has ${body.length} bytes.`,
    );
  }
  return length;
}
