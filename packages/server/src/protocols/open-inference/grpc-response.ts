/**
 * Encodes messages of the service. Outputs are raw, which every client reads; typed contents cost ten times as much.
 */
import type { InferResponse } from '#gateway/index.ts';
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';
import type { Duration, IndexEntry, ModelMetadata, ModelStatistics, TensorText } from './metadata.ts';
import { classified } from './classification.ts';
import { encodeTensor } from './raw-tensor.ts';

export function inferResponse(
  answer: InferResponse,
  { id, classes }: { readonly id: string; readonly classes: ReadonlyMap<string, number> },
): Buffer {
  const { described, variant, predictionId } = answer;
  const outputs = classified(answer, classes);
  return messageOf(
    bytesField(1, described.endpoint),
    bytesField(2, described.version),
    ...(id === '' ? [] : [bytesField(3, id)]),
    parameter('dais_variant', variant),
    parameter('dais_prediction_id', predictionId),
    ...outputs.map((output) => bytesField(5, tensor(output))),
    ...outputs.map(({ data }) => bytesField(6, encodeTensor(data))),
  );
}

/** `ModelStreamInferResponse` */
export const streamed = {
  answer: (message: Uint8Array): Buffer => messageOf(bytesField(2, message)),
  formatError: (text: string): Buffer => messageOf(bytesField(1, text)),
};

export function booleanField(value: boolean): Buffer {
  return value ? messageOf(numberField(1, 1)) : Buffer.alloc(0);
}

export function serverMetadata(name: string, version: string, extensions: readonly string[]): Buffer {
  return messageOf(bytesField(1, name), bytesField(2, version), ...extensions.map((text) => bytesField(3, text)));
}

export function modelMetadataMessage({ name, versions, platform, inputs, outputs }: ModelMetadata): Buffer {
  return messageOf(
    bytesField(1, name),
    ...versions.map((version) => bytesField(2, version)),
    bytesField(3, platform),
    ...inputs.map((input) => bytesField(4, tensor(input))),
    ...outputs.map((output) => bytesField(5, tensor(output))),
  );
}

export function indexMessage(entries: readonly IndexEntry[]): Buffer {
  return messageOf(
    ...entries.map(({ name, version, state, reason }) =>
      bytesField(
        1,
        messageOf(bytesField(1, name), bytesField(2, version), bytesField(3, state), bytesField(4, reason)),
      ),
    ),
  );
}

export function statisticsMessage(models: readonly ModelStatistics[]): Buffer {
  return messageOf(...models.map((model) => bytesField(1, statistics(model))));
}

function statistics(model: ModelStatistics): Buffer {
  const { success, fail, queue, compute_infer: infer } = model.inference_stats;
  return messageOf(
    bytesField(1, model.name),
    bytesField(2, model.version),
    numberField(3, model.last_inference),
    numberField(4, model.inference_count),
    numberField(5, model.execution_count),
    bytesField(6, messageOf(duration(1, success), duration(2, fail), duration(3, queue), duration(5, infer))),
    ...model.batch_stats.map(({ batch_size: size, compute_infer: run }) =>
      bytesField(7, messageOf(numberField(1, size), duration(3, run))),
    ),
  );
}

function duration(field: number, { count, ns }: Duration): ProtobufField {
  return bytesField(field, messageOf(numberField(1, count), numberField(2, ns)));
}

function tensor({ name, datatype, shape }: TensorText): Buffer {
  return messageOf(bytesField(1, name), bytesField(2, datatype), ...shape.map((size) => numberField(3, size)));
}

/** An entry of the parameter map in a response of `infer`. */
function parameter(key: string, value: string): ProtobufField {
  return bytesField(4, messageOf(bytesField(1, key), bytesField(2, messageOf(bytesField(3, value)))));
}
