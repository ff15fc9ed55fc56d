/** Exports of spans as a traced call of a model sends them. */
import { randomBytes } from 'node:crypto';
import {
  field,
  keyValue,
  requestBytes,
  spanBytes,
  text,
  varintField,
} from '../../packages/server/src/protocols/otlp/testing/otlp-bytes.ts';

const ATTRIBUTES = [
  ['mlflow.spanInputs', text(1, '{"messages": [{"role": "user", "content": "What is the capital of France?"}]}')],
  ['mlflow.spanOutputs', text(1, '{"choices": [{"message": {"role": "assistant", "content": "Paris."}}]}')],
  ['mlflow.spanType', text(1, 'CHAT_MODEL')],
  ['model', text(1, 'some-model-2026-11')],
  ['gen_ai.usage.input_tokens', varintField(3, 120n)],
  ['gen_ai.usage.output_tokens', varintField(3, 12n)],
] as const;

/** One trace of so many spans: a step that has all others below it. */
export function exportOf(count: number): Buffer {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex');
  const [traceId, first] = [hex(16), hex(8)];
  const attributes = ATTRIBUTES.map(([key, value]) => field(9, keyValue(key, value)));
  const spans = Array.from({ length: count }, (_, n) => {
    const ids = n === 0 ? { spanId: first } : { spanId: hex(8), parentId: first };
    return spanBytes({ traceId, ...ids, name: `step ${n}` }, attributes);
  });
  return requestBytes(Buffer.concat(spans), field(1, keyValue('service.name', text(1, 'shop'))));
}
