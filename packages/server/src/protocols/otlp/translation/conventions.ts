/**
 * The conventions of span attributes that MLflow 3.17 translates, in its order: the first convention that has a part
 * applies. Sources: https://opentelemetry.io/docs/specs/semconv/gen-ai/, https://github.com/Arize-ai/openinference,
 * https://github.com/traceloop/openllmetry, https://github.com/google/adk-python, https://docs.lmnr.ai,
 * https://langfuse.com/integrations/native/opentelemetry, and the documentation of the programs in agent-conventions.ts.
 */
import { claudeCode, geminiCli, liveKit, vercelAi, voltAgent } from './agent-conventions.ts';
import { first, kinds, tokens, type Convention } from './convention.ts';
import { genAi } from './gen-ai.ts';

const openInference: Convention = {
  type: kinds('openinference.span.kind', {
    TOOL: 'TOOL',
    CHAIN: 'CHAIN',
    LLM: 'LLM',
    RETRIEVER: 'RETRIEVER',
    EMBEDDING: 'EMBEDDING',
    AGENT: 'AGENT',
    RERANKER: 'RERANKER',
    UNKNOWN: 'UNKNOWN',
    GUARDRAIL: 'GUARDRAIL',
    EVALUATOR: 'EVALUATOR',
  }),
  tokens: tokens({
    input: ['llm.token_count.prompt'],
    output: ['llm.token_count.completion'],
    total: ['llm.token_count.total'],
    cacheRead: ['llm.token_count.prompt_details.cache_read'],
    cacheCreation: ['llm.token_count.prompt_details.cache_write'],
  }),
  inputs: first('input.value'),
  outputs: first('output.value'),
  model: first('llm.response.model_name', 'llm.model_name', 'llm.request.model_name', 'embedding.model_name'),
  provider: first('llm.provider'),
};

/** Its attributes are those of OpenTelemetry; its messages are events. */
const springAi: Convention = {
  inputsOfEvents: (events) => events.find(({ name }) => name === 'gen_ai.content.prompt')?.attributes['gen_ai.prompt'],
  outputsOfEvents: (events) =>
    events.find(({ name }) => name === 'gen_ai.content.completion')?.attributes['gen_ai.completion'],
};

const traceloop: Convention = {
  type: kinds('traceloop.span.kind', {
    workflow: 'WORKFLOW',
    task: 'TASK',
    agent: 'AGENT',
    tool: 'TOOL',
    unknown: 'UNKNOWN',
  }),
  tokens: tokens({
    input: ['gen_ai.usage.prompt_tokens'],
    output: ['gen_ai.usage.completion_tokens'],
    total: ['llm.usage.total_tokens'],
  }),
  inputs: first(
    'traceloop.entity.input',
    /^gen_ai\.prompt\.\d+\.content/,
    /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/,
  ),
  outputs: first('traceloop.entity.output', /^gen_ai\.completion\.\d+\.content/),
  provider: first('gen_ai.system'),
};

const googleAdk: Convention = {
  inputs: first('gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'),
  outputs: first('gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'),
};

const laminar: Convention = {
  type: kinds('lmnr.span.type', {
    LLM: 'LLM',
    TOOL: 'TOOL',
    DEFAULT: 'CHAIN',
    PIPELINE: 'CHAIN',
    EXECUTOR: 'AGENT',
    EVALUATOR: 'EVALUATOR',
    HUMAN_EVALUATOR: 'EVALUATOR',
    EVALUATION: 'EVALUATOR',
    CACHED: 'LLM',
  }),
  inputs: first('lmnr.span.input'),
  outputs: first('lmnr.span.output'),
  format: (attributes) => (Object.hasOwn(attributes, 'lmnr.span.type') ? 'openai' : undefined),
};

const langfuse: Convention = {
  type: kinds('langfuse.observation.type', {
    generation: 'LLM',
    embedding: 'EMBEDDING',
    tool: 'TOOL',
    retriever: 'RETRIEVER',
    agent: 'AGENT',
    chain: 'CHAIN',
    evaluator: 'EVALUATOR',
    guardrail: 'GUARDRAIL',
    span: 'UNKNOWN',
  }),
  inputs: first('langfuse.observation.input'),
  outputs: first('langfuse.observation.output'),
};

export const conventions: readonly Convention[] = [
  openInference,
  geminiCli,
  claudeCode,
  genAi,
  springAi,
  traceloop,
  googleAdk,
  vercelAi,
  voltAgent,
  liveKit,
  laminar,
  langfuse,
];
