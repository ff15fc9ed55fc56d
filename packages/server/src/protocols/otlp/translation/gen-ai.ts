/** OpenTelemetry's conventions for generative AI: https://opentelemetry.io/docs/specs/semconv/gen-ai/. */
import { decoded, first, isEmpty, kinds, tokens, type Convention, type SpanEvent } from './convention.ts';

const ROLES: Readonly<Record<string, string>> = {
  'gen_ai.system.message': 'system',
  'gen_ai.user.message': 'user',
  'gen_ai.assistant.message': 'assistant',
};

/** Types of spans by the name of their operation. */
export const OPERATIONS: Readonly<Record<string, string>> = {
  chat: 'CHAT_MODEL',
  create_agent: 'AGENT',
  embeddings: 'EMBEDDING',
  execute_tool: 'TOOL',
  generate_content: 'LLM',
  invoke_agent: 'AGENT',
  text_completion: 'LLM',
  response: 'LLM',
};

export const genAi = {
  type: kinds('gen_ai.operation.name', OPERATIONS),
  tokens: tokens({
    input: ['gen_ai.usage.input_tokens'],
    output: ['gen_ai.usage.output_tokens'],
    cacheRead: ['gen_ai.usage.cache_read.input_tokens'],
    // The second name is of an earlier version of the conventions.
    cacheCreation: ['gen_ai.usage.cache_write.input_tokens', 'gen_ai.usage.cache_creation.input_tokens'],
  }),
  inputs: first('gen_ai.input.messages', 'gen_ai.tool.call.arguments'),
  outputs: first('gen_ai.output.messages', 'gen_ai.tool.call.result'),
  inputsOfEvents: (events: readonly SpanEvent[]) =>
    messages(events, ({ name }) => (Object.hasOwn(ROLES, name) ? ROLES[name] : undefined)),
  outputsOfEvents: (events: readonly SpanEvent[]) =>
    messages(events, ({ name, attributes: { role = 'assistant' } }) => (name === 'gen_ai.choice' ? role : undefined)),
  model: first('gen_ai.response.model', 'gen_ai.request.model'),
  provider: first('gen_ai.provider.name'),
  tools: first('gen_ai.tool.definitions'),
} satisfies Convention;

function messages(events: readonly SpanEvent[], roleOf: (event: SpanEvent) => unknown): unknown {
  const found = events.flatMap((event) => {
    const role = roleOf(event);
    const { content } = event.attributes;
    return role === undefined || isEmpty(content) ? [] : [{ role: decoded(role), content: decoded(content) }];
  });
  return found.length === 0 ? undefined : found;
}
