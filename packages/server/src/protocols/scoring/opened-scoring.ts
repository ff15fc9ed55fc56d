import { DaisError } from '@dais/api/errors';
import type {
  InferResponse,
  InferRequest,
  OpenedRequest,
  Parameters,
  ServedDescription,
  ServingReply,
  Tensor,
} from '#gateway/index.ts';
import type { JsonValue } from '#lib/json-reader.ts';
import { predictionsText } from './predictions-text.ts';

/** A request of either protocol: without an ID, with `predictions` in the response. */
export class OpenedScoring implements OpenedRequest<ServingReply> {
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
