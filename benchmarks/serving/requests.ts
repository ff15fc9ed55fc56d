/** Requests of the Open Inference Protocol for one row of float32. */
import { bytesField, messageOf, numberField } from '../../packages/server/src/lib/formats/protobuf-writer.ts';
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

export const RPC_PATH = '/inference.GRPCInferenceService/ModelInfer';

/** `ModelInferRequest`, as `tritonclient` writes it: the row as its bytes. */
export function rpcMessage(input: string, row: Float32Array): Buffer {
  const shape = [1, row.length].map((size) => numberField(3, size));
  const tensor = messageOf(bytesField(1, input), bytesField(2, 'FP32'), ...shape);
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  return messageOf(bytesField(1, 'm'), bytesField(3, '1'), bytesField(5, tensor), bytesField(7, bytes));
}
