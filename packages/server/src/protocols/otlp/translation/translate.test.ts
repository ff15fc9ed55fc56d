import type { Span } from '@dais/api/tracking';
import { describe, expect, test } from 'vitest';
import { translateResource, translateSpan } from './translate.ts';

const base = { traceId: '1'.repeat(32), id: '2'.repeat(16), name: 'step', startNs: '1' } as const;
const span = (attributes: Span['attributes'], more: Partial<Span> = {}): Span => ({ ...base, ...more, attributes });
const added = (attributes: NonNullable<Span['attributes']>, more: Partial<Span> = {}) =>
  Object.fromEntries(
    Object.entries(translateSpan(span(attributes, more)))
      .filter(([key]) => !Object.hasOwn(attributes, key) || key === 'mlflow.spanType')
      .map(([key, value]) => [key.replace(/^mlflow\./, ''), value]),
  );
const message = (role: string, content: string) => ({ role, content });
const event = (name: string, attributes: Record<string, unknown>) => ({ name, attributes });

describe('attributes of other conventions', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'OpenInference',
      {
        'openinference.span.kind': 'RETRIEVER',
        'input.value': 'question',
        'output.value': '{"documents": [1]}',
        'llm.token_count.prompt': 3,
        'llm.token_count.completion': 4,
        'llm.token_count.prompt_details.cache_read': 2,
        'llm.model_name': 'gpt',
        'llm.provider': 'openai',
      },
      {
        spanType: 'RETRIEVER',
        spanInputs: 'question',
        spanOutputs: { documents: [1] },
        'chat.tokenUsage': { input_tokens: 3, output_tokens: 4, total_tokens: 7, cache_read_input_tokens: 2 },
        'llm.model': 'gpt',
        'llm.provider': 'openai',
      },
    ],
    [
      'OpenTelemetry',
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.input.messages': '[{"role": "user"}]',
        'gen_ai.output.messages': 'text',
        'gen_ai.usage.input_tokens': '5',
        'gen_ai.usage.cache_creation.input_tokens': 1,
        'gen_ai.request.model': 'alias',
        'gen_ai.response.model': 'resolved',
        'gen_ai.provider.name': 'aws',
        'gen_ai.tool.definitions': '[{"name": "search"}]',
      },
      {
        spanType: 'CHAT_MODEL',
        spanInputs: [{ role: 'user' }],
        spanOutputs: 'text',
        'chat.tokenUsage': { input_tokens: 5, cache_creation_input_tokens: 1 },
        'chat.tools': [{ name: 'search' }],
        'llm.model': 'resolved',
        'llm.provider': 'aws',
      },
    ],
    [
      'OpenLLMetry',
      {
        'traceloop.span.kind': 'workflow',
        'gen_ai.prompt.0.content': 'hi',
        'gen_ai.completion.0.content': 'ho',
        'gen_ai.usage.prompt_tokens': 1,
        'llm.usage.total_tokens': 9,
        'gen_ai.system': 'OpenAI',
      },
      {
        spanType: 'WORKFLOW',
        spanInputs: 'hi',
        spanOutputs: 'ho',
        'chat.tokenUsage': { input_tokens: 1, total_tokens: 9 },
        'llm.provider': 'OpenAI',
      },
    ],
    [
      "Google's ADK",
      { 'gcp.vertex.agent.llm_request': '{"model": "gemini"}', 'gcp.vertex.agent.tool_response': 'done' },
      { spanInputs: { model: 'gemini' }, spanOutputs: 'done', 'llm.model': 'gemini' },
    ],
    [
      'Gemini CLI',
      {
        'gen_ai.agent.name': 'gemini-cli',
        'gen_ai.operation.name': 'llm_call',
        'gen_ai.input.messages': 'hi',
        'gen_ai.output.messages': '[{"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}]}]',
      },
      {
        spanType: 'LLM',
        spanInputs: { contents: 'hi' },
        spanOutputs: { candidates: [{ content: { role: 'model', parts: [{ text: 'a' }, { text: 'b' }] } }] },
        'message.format': 'gemini',
      },
    ],
    [
      'Gemini CLI, with its system prompt',
      {
        'gen_ai.agent.name': 'gemini-cli',
        'gen_ai.operation.name': 'system_prompt',
        'gen_ai.input.messages': '[{"role": "user", "parts": []}]',
      },
      { spanInputs: { contents: [{ role: 'system', parts: [] }] }, 'message.format': 'gemini' },
    ],
    [
      'Claude Code, a request',
      {
        'span.type': 'llm_request',
        input_tokens: 1,
        output_tokens: '2',
        cache_read_tokens: 10,
        new_context: '<REDACTED>',
        'response.model_output': 'fine',
      },
      {
        spanType: 'LLM',
        spanOutputs: 'fine',
        'chat.tokenUsage': { input_tokens: 11, output_tokens: 2, total_tokens: 13, cache_read_input_tokens: 10 },
      },
    ],
    [
      'Claude Code, a tool',
      { 'span.type': 'claude_code.tool', full_command: 'ls', file_path: '<REDACTED>' },
      { spanType: 'TOOL', spanInputs: { full_command: 'ls' } },
    ],
    [
      "Vercel's AI SDK",
      {
        'ai.operationId': 'ai.generateText.doGenerate',
        'ai.prompt.messages': '[{"role": "user"}]',
        'ai.prompt.tools': ['{"name": "t"}'],
        'ai.response.text': 'ok',
        'ai.response.finishReason': 'stop',
      },
      {
        spanType: 'LLM',
        spanInputs: { messages: [{ role: 'user' }], tools: [{ name: 't' }] },
        spanOutputs: { text: 'ok', finishReason: 'stop' },
        'message.format': 'vercel_ai',
      },
    ],
    [
      'VoltAgent: the type of a child, not of its agent',
      { 'entity.type': 'agent', 'span.type': 'memory', 'voltagent.operation_id': 'o', input: 'in', output: 'out' },
      { spanType: 'MEMORY', spanInputs: 'in', spanOutputs: 'out', 'message.format': 'voltagent' },
    ],
    [
      'LiveKit',
      { 'lk.agent_name': 'a', 'lk.user_input': 'hi', 'lk.response.text': 'ho' },
      { spanType: 'AGENT', spanInputs: 'hi', spanOutputs: 'ho', 'message.format': 'livekit' },
    ],
    [
      'Laminar',
      { 'lmnr.span.type': 'EXECUTOR', 'lmnr.span.input': '[1]', 'gen_ai.usage.output_tokens': 2 },
      { spanType: 'AGENT', spanInputs: [1], 'chat.tokenUsage': { output_tokens: 2 }, 'message.format': 'openai' },
    ],
    [
      'Langfuse',
      { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': '{"a": 1}' },
      { spanType: 'LLM', spanOutputs: { a: 1 } },
    ],
    ['none', { a: 1 }, {}],
    ['an unknown kind', { 'openinference.span.kind': 'OTHER', 'input.value': '{}' }, {}],
  ])('%s', (_name, attributes, expected) => {
    expect(added(attributes)).toEqual(expected);
  });

  test('in events', () => {
    const spring = [
      event('gen_ai.content.prompt', { 'gen_ai.prompt': 'hi' }),
      event('gen_ai.content.completion', { 'gen_ai.completion': 'ho' }),
    ];
    expect(added({}, { events: spring })).toEqual({ spanInputs: 'hi', spanOutputs: 'ho' });
    const messages = [
      event('gen_ai.system.message', { content: 'be short' }),
      event('gen_ai.user.message', { content: 'hi' }),
      event('gen_ai.choice', { content: 'ho' }),
    ];
    expect(added({}, { events: messages })).toEqual({
      spanInputs: [message('system', 'be short'), message('user', 'hi')],
      spanOutputs: [message('assistant', 'ho')],
    });
    const tool = [event('tool.output', { output: '<REDACTED>', content: 'listing' })];
    expect(added({ 'span.type': 'tool' }, { events: tool })).toEqual({ spanType: 'TOOL', spanOutputs: 'listing' });
  });
});

test('attributes of MLflow stay, except for an unknown type', () => {
  const own = { 'mlflow.spanType': 'AGENT', 'mlflow.spanInputs': 1, 'mlflow.chat.tokenUsage': { input_tokens: 1 } };
  expect(translateSpan(span({ ...own, 'input.value': 'x', 'llm.token_count.prompt': 2 }))).toEqual({
    ...own,
    'input.value': 'x',
    'llm.token_count.prompt': 2,
  });
  expect(added({ 'mlflow.spanType': '"UNKNOWN"', 'gen_ai.operation.name': 'execute_tool' })).toEqual({
    spanType: 'TOOL',
  });
});

test('the model is read from requests of clients of MLflow', () => {
  expect(added({ 'mlflow.spanInputs': { model: 'gpt', messages: [] } })).toEqual({ 'llm.model': 'gpt' });
});

describe('the cost of a call of a language model', () => {
  const cost = { input_cost: expect.closeTo(0.15), output_cost: expect.closeTo(0.6), total_cost: expect.closeTo(0.75) };
  const million = 1_000_000;

  test('is added to spans of other conventions', () => {
    const attributes = {
      'gen_ai.usage.input_tokens': million,
      'gen_ai.usage.output_tokens': million,
      'gen_ai.response.model': 'gpt-4o-mini',
      'gen_ai.provider.name': 'openai',
    };
    expect(added(attributes)).toMatchObject({ 'llm.cost': cost });
    const { 'gen_ai.response.model': _model, ...nameless } = attributes;
    expect(added(nameless)).not.toHaveProperty('llm.cost');
  });

  test('is added to spans of MLflow, whose values are JSON', () => {
    const usage = JSON.stringify({ input_tokens: million, output_tokens: million });
    const attributes = { 'mlflow.chat.tokenUsage': usage, 'mlflow.llm.model': '"gpt-4o-mini"' };
    expect(added(attributes)).toEqual({ 'llm.cost': cost });
    const own = { ...attributes, 'mlflow.llm.cost': '{"total_cost": 1}' };
    expect(translateSpan(span(own))).toEqual(own);
  });

  test.each(['no JSON', '[]', '5', '{"input_tokens": "5"}', '"text"'])('is not added for the usage %s', (usage) => {
    const attributes = { 'mlflow.chat.tokenUsage': usage, 'mlflow.llm.model': 'gpt-4o-mini' };
    expect(added(attributes)).toEqual({});
  });
});

test('a map that looks like a special value keeps its form', () => {
  expect(added({ 'input.value': '{"@": ["int", "5"]}' })).toEqual({
    spanInputs: { '@': ['map', { '@': ['int', '5'] }] },
  });
});

test('JSON nested too deeply stays text', () => {
  const deep = `${'['.repeat(1000)}1${']'.repeat(1000)}`;
  expect(added({ 'input.value': deep })).toEqual({ spanInputs: deep });
});

test('a root span gets the name of its service', () => {
  const child = span({}, { parentId: '3'.repeat(16) });
  const { spans } = translateResource({ resource: { 'service.name': 'shop' }, spans: [span({}), child] });
  expect(spans.map(({ attributes }) => attributes)).toEqual([{ 'service.name': 'shop' }, {}]);
});
