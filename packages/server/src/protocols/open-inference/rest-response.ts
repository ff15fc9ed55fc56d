/**
 * The response to an infer request over HTTP. Encoded by hand: an object for `JSON.stringify` costs more than its text.
 */
import { DaisError } from '@dais/api/errors';
import type { InferResponse, ServingReply, Tensor } from '#gateway/index.ts';
import { float32Text } from '#lib/formats/float-text.ts';
import { classified } from './classification.ts';
import { encodeTensor } from './raw-tensor.ts';
import type { RestRequest } from './rest-request.ts';

export interface ResponseOptions {
  /** `NaN` and infinities are written as Python does. */
  readonly nan: boolean;
  /** All outputs are binary unless one is requested otherwise. */
  readonly binary: boolean;
}

export function writeRest(answer: InferResponse, request: RestRequest, { nan, binary }: ResponseOptions): ServingReply {
  const { described, variant, predictionId } = answer;
  const outputs = classified(answer, classesOf(request.outputs));
  const requested = new Map(request.outputs?.map(({ name, parameters }) => [name, parameters]));
  const raw: Buffer[] = [];
  const written = outputs.map((output) => {
    const own = requested.get(output.name)?.['binary_data'];
    // JSON has no half precision: it is binary unless JSON is requested.
    const half = output.datatype === 'FP16' || output.datatype === 'BF16';
    const inBinary = typeof own === 'boolean' ? own : binary || half;
    const head = `{"name":${JSON.stringify(output.name)},"datatype":"${output.datatype}","shape":[${output.shape.join()}]`;
    if (!inBinary) return `${head},"data":${dataText(output, nan)}}`;
    const bytes = encodeTensor(output.data);
    raw.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const id = request.id === undefined ? '' : `"id":${JSON.stringify(request.id)},`;
  const text =
    `{"model_name":${JSON.stringify(described.endpoint)},"model_version":${JSON.stringify(described.version)},${id}` +
    `"parameters":{"dais_variant":${JSON.stringify(variant)},"dais_prediction_id":"${predictionId}"},` +
    `"outputs":[${written.join()}]}`;
  if (raw.length === 0) return { status: 200, headers: JSON_HEADERS, body: text };
  const head = Buffer.from(text);
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    },
    body: Buffer.concat([head, ...raw]),
  };
}

function classesOf(outputs: RestRequest['outputs']): ReadonlyMap<string, number> {
  return new Map(outputs?.flatMap(({ name, classes }) => (classes === undefined ? [] : [[name, classes]])));
}

const JSON_HEADERS = { 'content-type': 'application/json' };

function dataText({ name, datatype, data }: Tensor, nan: boolean): string {
  switch (datatype) {
    case 'BYTES':
      return `[${(data as readonly Buffer[]).map((text) => JSON.stringify(text.toString('utf8'))).join()}]`;
    case 'BOOL':
      return `[${Array.from(data as Uint8Array, (value) => value !== 0).join()}]`;
    case 'FP16':
    case 'BF16':
      throw new DaisError(
        'not_acceptable',
        `JSON cannot represent the output "${name}" of type ${datatype}. Request it with the parameter binary_data.`,
      );
    case 'FP32':
      return floatsText(name, data as Float32Array, nan, float32Text);
    case 'FP64':
      return floatsText(name, data as Float64Array, nan, String);
    default:
      return `[${(data as Int32Array).join()}]`;
  }
}

function floatsText(
  name: string,
  data: Float32Array | Float64Array,
  nan: boolean,
  write: (value: number) => string,
): string {
  let text = '[';
  for (let index = 0; index < data.length; index++) {
    const value = data[index] as number;
    if (!Number.isFinite(value) && !nan) {
      throw new DaisError(
        'not_acceptable',
        `Element ${index} of the output "${name}" is ${value}, which JSON cannot represent. Request the output with the parameter binary_data, or send the header \`dais-json-nan: allow\`.`,
      );
    }
    // `String` formats NaN and Infinity as Python does.
    text += index === 0 ? write(value) : `,${write(value)}`;
  }
  return `${text}]`;
}
