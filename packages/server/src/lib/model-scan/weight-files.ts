/** Formats with numbers and text only, if they are valid: safetensors and GGUF. */
import type { Findings, ScannedFile } from './scan-finding.ts';

const MOST_HEADER = 100 * 1024 * 1024;
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
};

export async function scanSafetensors(file: ScannedFile, findings: Findings): Promise<void> {
  const report = (detail: string) => findings.add('safetensors-header', 'block', detail);
  const length = file.size < 8 ? -1n : (await file.read(0, 8)).readBigUInt64LE();
  if (length < 2n || length > BigInt(Math.min(MOST_HEADER, file.size - 8)))
    return report('Its header does not have the declared length.');
  const text = (await file.read(8, Number(length))).toString('utf8');
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    return report('Its header is not valid JSON.');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    return report('Its header is not a JSON object.');
  const spans: (readonly [start: number, end: number])[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const bits = BITS[String(dtype)];
    const whole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
    if (!Array.isArray(shape) || !shape.every(whole) || !Array.isArray(offsets) || offsets.length !== 2) {
      return report(`${name} has no shape or offsets.`);
    }
    const [start, end] = offsets as unknown[];
    if (!whole(start) || !whole(end) || end < start) return report(`${name} has no offsets.`);
    const elements = shape.reduce((product, size) => product * size, 1);
    if (bits !== undefined && (elements * bits) / 8 !== end - start)
      return report(`The size of ${name} does not match its shape.`);
    spans.push([start, end]);
  }
  spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let reached = 0;
  for (const [start, end] of spans) {
    if (start !== reached) return report('Its tensors have gaps or overlap.');
    reached = end;
  }
  if (8 + Number(length) + reached !== file.size) report('It contains bytes after its tensors.');
}

/** Bytes of values by their type in GGUF; -1: text, -2: a list. */
const GGUF_SIZES = [1, 1, 2, 2, 4, 4, 4, 1, -1, -2, 8, 8, 8];
const MOST_GGUF = 64 * 1024 * 1024;
/** What a template of a chat never needs. */
const TEMPLATE_ESCAPE =
  /__\w+__|\bimport\b|\bos\.|\bpopen\b|\bsystem\(|\beval\(|\bexec\(|cycler|lipsum|joiner|get_flashed|config\./;

export async function scanGguf(file: ScannedFile, findings: Findings): Promise<void> {
  const bytes = await file.read(0, Math.min(file.size, MOST_GGUF));
  try {
    const version = bytes.readUInt32LE(4);
    if (version < 2 || version > 3) throw new Error(`version ${version} is unknown`);
    let at = 24;
    const count = Number(bytes.readBigUInt64LE(16));
    if (count > 100_000) throw new Error('its metadata exceeds the limit');
    const text = (): string => {
      const length = Number(bytes.readBigUInt64LE(at));
      if (length > bytes.length - at - 8) throw new Error('a string is truncated');
      at += 8 + length;
      return bytes.toString('utf8', at - length, at);
    };
    const value = (type: number, depth: number): string | undefined => {
      const size = GGUF_SIZES[type];
      if (size === undefined || depth > 2) throw new Error('a value has an unknown type');
      if (size === -1) return text();
      if (size !== -2) {
        at += size;
        if (at > bytes.length) throw new Error('a value is truncated');
        return undefined;
      }
      const item = bytes.readUInt32LE(at);
      const items = Number(bytes.readBigUInt64LE(at + 4));
      at += 12;
      if (items > bytes.length) throw new Error('a list is truncated');
      for (let index = 0; index < items; index++) value(item, depth + 1);
      return undefined;
    };
    for (let index = 0; index < count; index++) {
      const key = text();
      const type = bytes.readUInt32LE(at);
      at += 4;
      const read = value(type, 0);
      if (read !== undefined && key.includes('chat_template') && TEMPLATE_ESCAPE.test(read)) {
        findings.add('gguf-template', 'block', `${key} accesses attributes that no chat template needs.`);
      }
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : 'it is damaged';
    findings.add('gguf-broken', 'block', `It cannot be read as GGUF: ${why}.`);
  }
}
