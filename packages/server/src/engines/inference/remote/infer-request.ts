/** The body of an infer request: JSON, or JSON followed by the bytes of the tensors (the binary tensor data extension). */
import type { InferOptions, Tensor, TensorData } from '../contract.ts';
import { elementsText } from './json-elements.ts';

export interface InferBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** @throws DaisError `invalid_request` for values that the server cannot receive in JSON. */
export function writeInfer(
  inputs: readonly Tensor[],
  { outputs, parameters = {} }: Pick<InferOptions, 'outputs' | 'parameters'>,
  isBinary: boolean,
): InferBody {
  const raw: Buffer[] = [];
  const written = inputs.map((tensor) => {
    const { name, datatype, shape, data } = tensor;
    const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join()}]`;
    if (!isBinary) return `${head},"data":${elementsText(tensor)}}`;
    const bytes = tensorBytes(data);
    raw.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const sent = { ...parameters, ...(isBinary && outputs === undefined && { binary_data_output: true }) };
  const binary = isBinary ? ',"parameters":{"binary_data":true}' : '';
  const requested = outputs?.map((name) => `{"name":${JSON.stringify(name)}${binary}}`);
  const json = Buffer.from(
    `{"inputs":[${written.join()}]` +
      (requested === undefined ? '' : `,"outputs":[${requested.join()}]`) +
      (Object.keys(sent).length === 0 ? '' : `,"parameters":${JSON.stringify(sent)}`) +
      '}',
  );
  if (!isBinary) return { headers: { 'content-type': 'application/json' }, body: json };
  return {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(json.length),
    },
    body: Buffer.concat([json, ...raw]),
  };
}

/** Little-endian, in row-major order; each string with its length before it. */
function tensorBytes(data: TensorData): Buffer {
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat(
    data.flatMap((text) => {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32LE(text.length);
      return [length, text];
    }),
  );
}
