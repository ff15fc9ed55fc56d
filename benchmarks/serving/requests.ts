/** Requests of the Open Inference Protocol for one row of float32. */
import { postRequest } from './load.ts';

const PATH = '/v2/models/m/infer';

export function jsonRequest(input: string, row: Float32Array, headers: readonly string[] = []): Buffer {
  const data = Array.from(row, (value) => Number(value.toFixed(4)));
  const inputs = [{ name: input, shape: [1, row.length], datatype: 'FP32', data }];
  return postRequest(PATH, Buffer.from(JSON.stringify({ id: '1', inputs })), headers);
}

/** With its binary extension. */
export function binaryRequest(input: string, row: Float32Array): Buffer {
  const parameters = { binary_data_size: row.byteLength };
  const inputs = [{ name: input, shape: [1, row.length], datatype: 'FP32', parameters }];
  const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const body = Buffer.concat([head, Buffer.from(row.buffer)]);
  return postRequest(PATH, body, [`inference-header-content-length: ${head.length}`]);
}
