/** Chooses where a body is parsed: short ones in place, long ones and Parquet on a thread of its own. */
import {
  BodyThread,
  LONG_BODY,
  toTensors,
  type InferResponse,
  type InferRequest,
  type OpenedRequest,
  type Parameters,
  type ServedDescription,
  type ServingReply,
  type Tensor,
} from '#gateway/index.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import { programUrl } from '#lib/process.ts';
import { readText, type BodyForm } from './scoring-body.ts';
import { DaisError } from '@dais/api/errors';
import { predictionsText } from './predictions-text.ts';

export type OpenScoring = (body: Buffer, form: BodyForm) => OpenedScoring | Promise<OpenedScoring>;

/** One thread for all requests, started on first use. */
export function scoringOpener(): OpenScoring {
  const thread = new BodyThread<Readonly<Record<string, JsonValue>>>(programUrl(import.meta.url, './scoring-thread'));
  return (body, form) => {
    if (form === 'parquet' || body.length > LONG_BODY) return openThere(body, form);
    const { given, params } = readText(form, body);
    return new OpenedScoring(params, (described) => toTensors(given, described));
  };

  async function openThere(body: Buffer, form: BodyForm): Promise<OpenedScoring> {
    const { meta, decode, close } = await thread.open(body, form);
    try {
      return new OpenedScoring(meta, decode, close);
    } catch (error) {
      close();
      throw error;
    }
  }
}

/** A request of either protocol: without an ID, with `predictions` in the response. */
class OpenedScoring implements OpenedRequest<ServingReply> {
  readonly #tensors: (described: ServedDescription) => Tensor[] | Promise<Tensor[]>;
  readonly #close: (() => void) | undefined;
  readonly id = undefined;
  readonly timeoutMicros = undefined;
  readonly parameters: Parameters | undefined;

  constructor(
    params: Readonly<Record<string, JsonValue>>,
    tensors: (described: ServedDescription) => Tensor[] | Promise<Tensor[]>,
    close?: () => void,
  ) {
    this.#tensors = tensors;
    this.#close = close;
    const entries = Object.entries(params).map(([name, value]): [string, string | number | boolean] => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [name, value];
      throw new DaisError('invalid_request', `The parameter "${name}" must be a string, a number or a boolean.`);
    });
    this.parameters = entries.length === 0 ? undefined : Object.fromEntries(entries);
  }

  decode(described: ServedDescription): InferRequest | Promise<InferRequest> {
    const { parameters } = this;
    const inputs = this.#tensors(described);
    return inputs instanceof Promise ? inputs.then((there) => ({ inputs: there, parameters })) : { inputs, parameters };
  }

  close(): void {
    this.#close?.();
  }

  encode(answer: InferResponse): ServingReply {
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"predictions":${predictionsText(answer)}}`,
    };
  }
}
