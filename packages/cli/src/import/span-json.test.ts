import { expect, test } from 'vitest';
import { exactJson } from './exact-json.ts';
import { spanOfStored, spanOfWire } from './span-json.ts';

type Json = Readonly<Record<string, unknown>>;
const read = (text: string) => exactJson(text) as Json;
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

const TRACE = '0123456789abcdef0123456789abcdef';
const EXPECTED = {
  traceId: TRACE,
  id: '00000000000000a1',
  parentId: '00000000000000b2',
  name: 'step',
  kind: 1,
  startNs: '1790000000000000001',
  endNs: '1790000000000000003',
  status: 'ERROR',
  message: 'no way',
  attributes: { 'mlflow.spanType': 'TOOL', ratio: { '@': ['double', 1] }, plain: 'no "JSON' },
  events: [{ name: 'seen', ns: '1790000000000000002', attributes: { n: 1 } }],
  links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: {} }],
};

test('as a server returns it, with underscores or without', () => {
  const text = `{"trace_id": "${base64(TRACE)}", "span_id": "${base64(EXPECTED.id)}", "parent_span_id": "${base64(EXPECTED.parentId)}",
    "name": "step", "kind": "SPAN_KIND_INTERNAL", "start_time_unix_nano": 1790000000000000001, "end_time_unix_nano": "1790000000000000003",
    "attributes": [{"key": "mlflow.spanType", "value": {"string_value": "TOOL"}}, {"key": "ratio", "value": {"double_value": 1.0}},
      {"key": "plain", "value": {"string_value": "no \\"JSON"}}],
    "events": [{"name": "seen", "time_unix_nano": 1790000000000000002, "attributes": [{"key": "n", "value": {"int_value": 1}}]}],
    "links": [{"trace_id": "${base64('f'.repeat(32))}", "span_id": "${base64('e'.repeat(16))}"}],
    "status": {"code": "STATUS_CODE_ERROR", "message": "no way"}}`;
  expect(spanOfWire(read(text))).toEqual(EXPECTED);
  const camel = text.replaceAll(/"(\w+)_(\w)(\w*)":/g, (all: string) =>
    all.replaceAll(/_(\w)/g, (_one, letter: string) => letter.toUpperCase()),
  );
  expect(spanOfWire(read(camel))).toEqual(EXPECTED);
});

const ATTRIBUTES = `"attributes": {"mlflow.spanType": "\\"TOOL\\"", "ratio": "1.0", "plain": "no \\"JSON"}`;

test('as it is stored in a table or a file', () => {
  const text = `{"trace_id": "${base64(TRACE)}", "span_id": "${base64(EXPECTED.id)}", "parent_span_id": "${base64(EXPECTED.parentId)}",
    "name": "step", "kind": "SPAN_KIND_INTERNAL", "start_time_unix_nano": 1790000000000000001, "end_time_unix_nano": 1790000000000000003,
    "events": [{"name": "seen", "time_unix_nano": 1790000000000000002, "attributes": {"n": 1}}],
    "status": {"code": "STATUS_CODE_ERROR", "message": "no way"}, ${ATTRIBUTES},
    "links": [{"trace_id": "tr-${'f'.repeat(32)}", "span_id": "${'e'.repeat(16)}", "attributes": null}]}`;
  expect(spanOfStored(read(text))).toEqual(EXPECTED);
});

test('as the first clients wrote it', () => {
  const text = `{"name": "step", "context": {"trace_id": "0x${TRACE}", "span_id": "0xa1"}, "parent_id": "0xb2",
    "start_time": 1790000000000000001, "end_time": 1790000000000000003, "status_code": "ERROR", "status_message": "no way",
    ${ATTRIBUTES}, "events": [{"name": "seen", "timestamp": 1790000000000000002, "attributes": {"n": 1}}]}`;
  const { kind: _kind, links: _links, ...older } = EXPECTED;
  expect(spanOfStored(read(text))).toEqual(older);
});

test('one in progress, the first of its trace', () => {
  const text = `{"trace_id": "tr-${TRACE}", "span_id": "00000000000000a1", "parent_span_id": null, "name": "s",
    "start_time_unix_nano": 5, "end_time_unix_nano": null, "status": {"code": "UNSET"}, "attributes": {}}`;
  expect(spanOfStored(read(text))).toEqual({
    traceId: TRACE,
    id: EXPECTED.id,
    name: 's',
    startNs: '5',
    status: 'UNSET',
    attributes: {},
  });
});
