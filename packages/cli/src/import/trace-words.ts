/** MLflow's tags and metadata of traces, as its server names them. */
import { importEvaluationDatasetOperation, type AssessmentKind, type EvaluationSchema } from '@dais/api/tracking';
import { storable } from './exact-json.ts';
import type { Pairs, SourceAssessment, SourceTrace } from './source.ts';

export const TRACE_WORDS = {
  name: 'mlflow.traceName',
  session: 'mlflow.trace.session',
  usage: 'mlflow.trace.tokenUsage',
  cost: 'mlflow.trace.cost',
  spans: 'mlflow.trace.spansLocation',
  artifacts: 'mlflow.artifactLocation',
  prompts: 'mlflow.linkedPrompts',
} as const;

/** Maximum length of a tag in Dais. */
const LONGEST_TAG = 8000;

/** Splits a trace into its fields, tags and metadata, without those that the server sets itself. */
export function wordsOf(
  tags: Pairs,
  metadata: Pairs,
): Pick<SourceTrace, 'tags' | 'metadata' | 'usage' | 'cost' | 'artifactUri' | 'hasSpans'> {
  const { [TRACE_WORDS.spans]: spansLocation, [TRACE_WORDS.artifacts]: artifactUri = '', ...ownTags } = tags;
  const { [TRACE_WORDS.usage]: usage, [TRACE_WORDS.cost]: cost, ...rest } = metadata;
  const [tokens, money] = [amountsOf(usage), amountsOf(cost)];
  return {
    tags: cleaned(ownTags, LONGEST_TAG),
    metadata: cleaned(rest, 65_536),
    ...(tokens !== undefined && { usage: tokens }),
    ...(money !== undefined && { cost: money }),
    artifactUri,
    hasSpans: spansLocation === 'TRACKING_STORE',
  };
}

function cleaned(pairs: Pairs, longest: number): Pairs {
  const there = Object.entries(pairs).filter(([key]) => key !== '');
  return Object.fromEntries(there.map(([key, value]) => [storable(key), storable(value.slice(0, longest))]));
}

function amountsOf(text: string | undefined): Record<string, number> | undefined {
  const map = text === undefined ? undefined : parsed(text);
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined;
  const numbers = Object.entries(map).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && /^[a-z0-9_]{1,60}$/.test(entry[0]),
  );
  return numbers.length === 0 ? undefined : Object.fromEntries(numbers);
}

/** The prompt versions in a tag of the client. */
export function promptsIn(tags: Pairs): string[] {
  const list = parsed(tags[TRACE_WORDS.prompts] ?? '[]');
  if (!Array.isArray(list)) return [];
  return (list as readonly { readonly name?: unknown; readonly version?: unknown }[]).flatMap((one) =>
    typeof one?.name === 'string' ? [`${one.name}/${String(one.version)}`] : [],
  );
}

/** Python writes NaN, which is invalid JSON: then the text itself is returned. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function kindOf(text: string): AssessmentKind {
  return text === 'expectation' || text === 'issue' ? text : 'feedback';
}

/** Default of an assessment without a source. */
export function errorOf(error: unknown): Pick<SourceAssessment, 'error'> {
  if (typeof error !== 'object' || error === null) return {};
  const { error_code: code, error_message: message, stack_trace: stackTrace } = error as Record<string, unknown>;
  const details = {
    ...(typeof code === 'string' && { code: code.slice(0, 1000) }),
    ...(typeof message === 'string' && { message: storable(message.slice(0, 65_536)) }),
    ...(typeof stackTrace === 'string' && { stackTrace: storable(stackTrace.slice(0, 65_536)) }),
  };
  return Object.keys(details).length === 0 ? {} : { error: details };
}

/** Values are strings here. */
export function textsOf(map: unknown): Pairs {
  if (typeof map !== 'object' || map === null) return {};
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** Undefined for another format: its records still have their fields. */
export function schemaOf(text: string): EvaluationSchema | undefined {
  if (text === '') return undefined;
  const schema = parsed(text);
  if (typeof schema !== 'object' || schema === null) return undefined;
  const { version: _version, ...fields } = schema as Readonly<Record<string, unknown>>;
  return importEvaluationDatasetOperation.input.shape.schema.safeParse(fields).data;
}
