/**
 * Attribute names of trace writers: MLflow clients, and the conventions of OpenTelemetry, OpenInference and
 * OpenLLMetry. Sources: MLflow 3.18 (tracing/constant.py, tracing/otel/translation),
 * https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/.
 */
import type { TraceConventions } from '#ledgers/tracking/index.ts';

export const spanWords: TraceConventions = {
  idPrefix: 'tr-',
  nameTag: 'mlflow.traceName',
  runKey: 'mlflow.sourceRun',
  sessionKey: 'mlflow.trace.session',
  userKey: 'mlflow.trace.user',
  attributes: {
    type: ['mlflow.spanType', 'openinference.span.kind', 'traceloop.span.kind', 'gen_ai.operation.name'],
    inputs: [
      'mlflow.spanInputs',
      'input.value',
      'gen_ai.input.messages',
      'gen_ai.tool.call.arguments',
      'traceloop.entity.input',
    ],
    outputs: [
      'mlflow.spanOutputs',
      'output.value',
      'gen_ai.output.messages',
      'gen_ai.tool.call.result',
      'traceloop.entity.output',
    ],
    session: ['session.id', 'gen_ai.conversation.id'],
    user: ['user.id'],
    usage: ['mlflow.chat.tokenUsage'],
    cost: ['mlflow.llm.cost'],
    model: ['mlflow.llm.model', 'gen_ai.response.model', 'gen_ai.request.model', 'llm.model_name'],
    provider: ['mlflow.llm.provider', 'gen_ai.provider.name', 'gen_ai.system', 'llm.provider'],
    tokens: {
      input_tokens: ['gen_ai.usage.input_tokens', 'llm.token_count.prompt', 'gen_ai.usage.prompt_tokens'],
      output_tokens: ['gen_ai.usage.output_tokens', 'llm.token_count.completion', 'gen_ai.usage.completion_tokens'],
      total_tokens: ['llm.token_count.total', 'llm.usage.total_tokens'],
      cache_read_input_tokens: ['gen_ai.usage.cache_read.input_tokens', 'llm.token_count.prompt_details.cache_read'],
      cache_creation_input_tokens: [
        'gen_ai.usage.cache_write.input_tokens',
        'gen_ai.usage.cache_creation.input_tokens',
        'llm.token_count.prompt_details.cache_write',
      ],
    },
  },
  types: {
    chat: 'CHAT_MODEL',
    create_agent: 'AGENT',
    embeddings: 'EMBEDDING',
    execute_tool: 'TOOL',
    generate_content: 'LLM',
    invoke_agent: 'AGENT',
    text_completion: 'LLM',
    response: 'LLM',
    workflow: 'CHAIN',
    task: 'TASK',
    agent: 'AGENT',
    tool: 'TOOL',
  },
  tagPrefix: 'mlflow.traceTag.',
  hiddenResource: ['telemetry.sdk.', 'mlflow.'],
};
