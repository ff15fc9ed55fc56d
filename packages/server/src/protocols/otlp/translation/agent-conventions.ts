/** Conventions of agents and of their frameworks, whose spans need more than names of attributes. */
import {
  decoded,
  first,
  isEmpty,
  lookUp,
  own,
  tokens,
  usageOf,
  whole,
  type Attributes,
  type Convention,
  type SpanEvent,
} from './convention.ts';
import { genAi, OPERATIONS } from './gen-ai.ts';

type Plain = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value);

/** https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md */
const GEMINI_OPERATIONS = { llm_call: 'LLM', tool_call: 'TOOL', agent_call: 'AGENT' };
const isGemini = (attributes: Attributes) => decoded(own(attributes, 'gen_ai.agent.name')) === 'gemini-cli';

export const geminiCli: Convention = {
  type: (attributes) =>
    isGemini(attributes) ? lookUp(GEMINI_OPERATIONS, own(attributes, 'gen_ai.operation.name')) : undefined,
  format: (attributes) => (isGemini(attributes) ? 'gemini' : undefined),
  inputs: (attributes) => {
    const sent = isGemini(attributes) ? decoded(genAi.inputs(attributes)) : undefined;
    if (sent === undefined || (isMap(sent) && 'contents' in sent)) return sent;
    // The program sends its system prompt with the role of the user.
    const isSystem = decoded(own(attributes, 'gen_ai.operation.name')) === 'system_prompt';
    const asSystem = (item: unknown) =>
      isSystem && isMap(item) && item['role'] === 'user' ? { ...item, role: 'system' } : item;
    return Array.isArray(sent) || typeof sent === 'string'
      ? { contents: Array.isArray(sent) ? sent.map(asSystem) : sent }
      : sent;
  },
  outputs: (attributes) => {
    const sent = isGemini(attributes) ? decoded(genAi.outputs(attributes)) : undefined;
    if (!Array.isArray(sent)) return sent;
    // One item per part of a stream; readers expect one answer.
    const parts = sent.flatMap((item: unknown): unknown[] =>
      isMap(item) && Array.isArray(item['parts']) ? item['parts'] : [],
    );
    return parts.length === 0 ? sent : { candidates: [{ content: { role: 'model', parts } }] };
  },
};

/** https://code.claude.com/docs/en/monitoring-usage#traces-beta */
const CLAUDE_TYPES: Readonly<Record<string, string>> = { interaction: 'AGENT', llm_request: 'LLM', tool: 'TOOL' };
const CLAUDE_DETAILS = ['full_command', 'file_path', 'skill_name', 'subagent_type'] as const;
const CLAUDE_OUTPUTS = ['output', 'content', 'diff'] as const;
/** Programs send this instead of contents unless the user permits it. */
const REDACTED = '<REDACTED>';

function claudeKind(attributes: Attributes): string | undefined {
  const kind = decoded(own(attributes, 'span.type'));
  const bare = typeof kind === 'string' ? kind.replace(/^claude_code\./, '') : '';
  return Object.hasOwn(CLAUDE_TYPES, bare) ? bare : undefined;
}

function claudeContent(attributes: Attributes, ...keys: readonly string[]): unknown {
  return keys.map((key) => own(attributes, key)).find((value) => !isEmpty(value) && decoded(value) !== REDACTED);
}

export const claudeCode: Convention = {
  type: (attributes) => {
    const kind = claudeKind(attributes);
    return kind === undefined ? undefined : CLAUDE_TYPES[kind];
  },
  tokens: (attributes) => {
    if (claudeKind(attributes) !== 'llm_request') return undefined;
    const count = (key: string) => whole(own(attributes, key));
    const [input, cacheRead, cacheCreation] = [
      count('input_tokens'),
      count('cache_read_tokens'),
      count('cache_creation_tokens'),
    ];
    // Its input tokens exclude those of the cache; everywhere else they include them.
    const all = input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheCreation ?? 0);
    return usageOf({ input: all, output: count('output_tokens'), cacheRead, cacheCreation });
  },
  inputs: (attributes) => {
    const kind = claudeKind(attributes);
    if (kind === 'interaction') return claudeContent(attributes, 'user_prompt', 'new_context');
    if (kind === 'llm_request') return claudeContent(attributes, 'new_context');
    if (kind !== 'tool') return undefined;
    const details = CLAUDE_DETAILS.flatMap((key) => {
      const value = claudeContent(attributes, key);
      return value === undefined ? [] : [[key, decoded(value)] as const];
    });
    return claudeContent(attributes, 'tool_input') ?? (details.length === 0 ? undefined : Object.fromEntries(details));
  },
  outputs: (attributes) => {
    const kind = claudeKind(attributes);
    if (kind === 'llm_request') return claudeContent(attributes, 'response.model_output');
    return kind === 'tool' ? claudeContent(attributes, 'new_context') : undefined;
  },
  outputsOfEvents: (events, attributes) =>
    claudeKind(attributes) === 'tool'
      ? events
          .filter(({ name }) => name === 'tool.output')
          .map((event) => claudeContent(event.attributes, ...CLAUDE_OUTPUTS))
          .find((value) => value !== undefined)
      : undefined,
};

/** https://ai-sdk.dev/docs/ai-sdk-core/telemetry#collected-data */
const VERCEL_TYPES: Readonly<Record<string, string>> = {
  'ai.generateText': 'LLM',
  'ai.generateText.doGenerate': 'LLM',
  'ai.toolCall': 'TOOL',
  'ai.streamText': 'LLM',
  'ai.streamText.doStream': 'LLM',
  'ai.generateObject': 'LLM',
  'ai.generateObject.doGenerate': 'LLM',
  'ai.streamObject': 'LLM',
  'ai.streamObject.doStream': 'LLM',
  'ai.embed': 'EMBEDDING',
  'ai.embed.doEmbed': 'EMBEDDING',
  'ai.embedMany': 'EMBEDDING',
};
const vercelOperation = (attributes: Attributes) => decoded(own(attributes, 'ai.operationId'));
const isVercelChat = (attributes: Attributes) =>
  ['ai.generateText.doGenerate', 'ai.streamText.doStream'].includes(String(vercelOperation(attributes)));
const vercelInputs = first('ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values');
const vercelOutputs = first(
  'ai.response.text',
  'ai.toolCall.result',
  'ai.response.object',
  'ai.embedding',
  'ai.embeddings',
);

/** The attributes below a prefix as one map, or undefined when there are none. */
function below(attributes: Attributes, prefix: string): Record<string, unknown> | undefined {
  const found = Object.entries(attributes).filter(([key]) => key.startsWith(prefix) && key !== '__proto__');
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([key, value]) => [key.slice(prefix.length), decoded(decoded(value))]));
}

export const vercelAi: Convention = {
  type: (attributes) => lookUp(VERCEL_TYPES, vercelOperation(attributes)),
  format: (attributes) => (isVercelChat(attributes) ? 'vercel_ai' : undefined),
  inputs: (attributes) => {
    if (!isVercelChat(attributes)) return vercelInputs(attributes);
    const sent = below(attributes, 'ai.prompt.');
    const tools = sent?.['tools'];
    return Array.isArray(tools) ? { ...sent, tools: tools.map(decoded) } : sent;
  },
  outputs: (attributes) => (isVercelChat(attributes) ? below(attributes, 'ai.response.') : vercelOutputs(attributes)),
};

/** https://voltagent.dev/docs/observability/ */
const VOLT_TYPES = { agent: 'AGENT', llm: 'LLM', tool: 'TOOL', memory: 'MEMORY' };

export const voltAgent: Convention = {
  // Children inherit `entity.type` from their agent, so their own type comes first.
  type: (attributes) =>
    lookUp(VOLT_TYPES, own(attributes, 'span.type')) ?? lookUp(VOLT_TYPES, own(attributes, 'entity.type')),
  tokens: tokens({
    input: ['usage.prompt_tokens', 'llm.usage.prompt_tokens'],
    output: ['usage.completion_tokens', 'llm.usage.completion_tokens'],
    total: ['usage.total_tokens', 'llm.usage.total_tokens'],
  }),
  inputs: first('agent.messages', 'llm.messages', 'input'),
  outputs: first('output'),
  format: (attributes) =>
    ['voltagent.operation_id', 'voltagent.conversation_id'].some((key) => Object.hasOwn(attributes, key))
      ? 'voltagent'
      : undefined,
};

/** https://docs.livekit.io/agents/observability/ */
function liveKitType(attributes: Attributes): string | undefined {
  if (Object.hasOwn(attributes, 'gen_ai.request.model')) return 'LLM';
  const operation = decoded(own(attributes, 'gen_ai.operation.name'));
  const known = lookUp(OPERATIONS, typeof operation === 'string' ? operation.toLowerCase() : undefined);
  if (known !== undefined) return known;
  for (const key of Object.keys(attributes)) {
    if (key === 'lk.retry_count') return 'LLM';
    if (key.startsWith('lk.function_tool')) return 'TOOL';
    if (['lk.agent_name', 'lk.instructions', 'lk.generation_id'].includes(key)) return 'AGENT';
    if (key.startsWith('lk.tts') || key === 'lk.input_text' || LIVEKIT_SPEECH.includes(key)) return 'UNKNOWN';
  }
  return undefined;
}

const LIVEKIT_SPEECH = ['lk.user_transcript', 'lk.transcript_confidence', 'lk.transcription_delay'];

export const liveKit: Convention = {
  type: liveKitType,
  inputs: first('lk.user_input', 'lk.user_transcript', 'lk.chat_ctx', 'lk.input_text'),
  outputs: first('lk.response.text', 'lk.response.function_calls'),
  // Events with messages are read for every span here.
  inputsOfEvents: (events: readonly SpanEvent[]) => genAi.inputsOfEvents(events),
  outputsOfEvents: (events: readonly SpanEvent[]) => genAi.outputsOfEvents(events),
  format: (attributes) => (Object.keys(attributes).some((key) => key.startsWith('lk.')) ? 'livekit' : undefined),
};
