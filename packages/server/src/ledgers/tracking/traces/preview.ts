/** Previews of requests and responses, for lists of traces. */
import { spacedJson } from '#lib/formats/spaced-json.ts';
import { truncateText } from '../texts.ts';

/** The same length as the previews of clients. */
const LONGEST = 1000;

type Map = Readonly<Record<string, unknown>>;

/** Returns the last message of `role` in a conversation, or the start of any other value. */
export function previewOf(value: unknown, role: 'user' | 'assistant'): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  // A text much longer than the preview is parsed only if it can be an object.
  const map = typeof value === 'string' ? parsed(value) : value;
  const shown = lastMessageOf(role, map) ?? spacedJson(map ?? value, LONGEST);
  return shown.length <= LONGEST ? shown : `${truncateText(shown, LONGEST - 3)}...`;
}

function parsed(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lastMessageOf(role: string, value: unknown): string | undefined {
  const messages = messagesOf(value, 3);
  const message = messages?.findLast((one) => one['role'] === role) ?? messages?.at(-1);
  const content = message?.['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((part: unknown) => (part as { text?: unknown } | null)?.text);
  return texts.find((part): part is string => typeof part === 'string');
}

/** Parses the conversation formats of language model APIs. */
function messagesOf(value: unknown, depth: number): Map[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === 0) return undefined;
  const map = value as Map;
  for (const key of ['messages', 'input', 'output']) {
    if (Array.isArray(map[key])) return map[key].filter(isMessage);
  }
  const { choices, request } = map;
  const first: unknown = Array.isArray(choices) ? (choices[0] as Map | undefined)?.['message'] : undefined;
  if (isMessage(first)) return [first];
  return request === undefined ? undefined : messagesOf(request, depth - 1);
}

function isMessage(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && 'role' in value && 'content' in value;
}
