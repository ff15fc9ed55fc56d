import { DaisError } from '@dais/api';
import {
  toTensors,
  type InferAnswer,
  type InferRequest,
  type OpenedRequest,
  type Parameters,
  type ServedDescription,
  type ServingReply,
} from '#gateway/index.ts';
import type { ScoringBody } from './frame.ts';
import { predictionsText } from './predictions-text.ts';

/** A request of either protocol: both name no id, and answer with `predictions`. */
export class OpenedScoring implements OpenedRequest<ServingReply> {
  readonly #body: ScoringBody;
  readonly id = undefined;
  readonly timeoutMicros = undefined;
  readonly parameters: Parameters | undefined;

  constructor(body: ScoringBody) {
    this.#body = body;
    const entries = Object.entries(body.params).map(([name, value]): [string, string | number | boolean] => {
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [name, value];
      throw new DaisError('invalid_request', `The parameter "${name}" is neither text, number nor truth value.`);
    });
    this.parameters = entries.length === 0 ? undefined : Object.fromEntries(entries);
  }

  decode(described: ServedDescription): InferRequest {
    return { inputs: toTensors(this.#body.given, described), parameters: this.parameters };
  }

  encode(answer: InferAnswer): ServingReply {
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: `{"predictions":${predictionsText(answer)}}`,
    };
  }
}
