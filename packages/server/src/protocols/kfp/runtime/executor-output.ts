/** Reads the outputs of a component: the executor output file, and a file for each parameter. */
import { ValueError, type Artifact, type Json, type StepResults, type Value } from '#ledgers/executions/index.ts';
import type { IrParameterType } from '../ir/messages.ts';
import type { KfpStep } from './kfp-step.ts';

interface ExecutorOutput {
  /** The component wrote the file. */
  readonly isThere: boolean;
  readonly parameterValues: Readonly<Record<string, Json>>;
  readonly artifacts: Readonly<Record<string, { readonly artifacts?: readonly ReportedArtifact[] }>>;
}

interface ReportedArtifact {
  readonly name?: string;
  readonly uri?: string;
  readonly metadata?: Readonly<Record<string, Json>>;
}

/** Parses the file; a missing file counts as empty. @throws ValueError */
export function readExecutorOutput(text: string | undefined): ExecutorOutput {
  if (text === undefined || text.trim() === '') return { isThere: false, parameterValues: {}, artifacts: {} };
  try {
    const { parameterValues = {}, artifacts = {} } = JSON.parse(text) as Partial<ExecutorOutput>;
    return { isThere: true, parameterValues, artifacts };
  } catch (error) {
    throw new ValueError('the executor output file of the component is not valid JSON', { cause: error });
  }
}

/** Returns output parameters. The executor output takes precedence over the parameter files. @throws ValueError */
export function outputParameters(
  { outputs }: KfpStep,
  reported: ExecutorOutput,
  left: StepResults,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(outputs.parameters).flatMap(([name, type]): [string, Value][] => {
      const value = reported.parameterValues[name];
      if (value !== undefined) return [[name, { parameter: value }]];
      const text = left.texts[name];
      if (text !== undefined) return [[name, { parameter: parameterOf(name, type, text) }]];
      // A function that returns None for an optional output writes only the other outputs.
      if (reported.isThere) return [];
      throw new ValueError(`output ${name} is missing: the component wrote no file for it`);
    }),
  );
}

const TRUE = /^(?:1|t|T|true|True|TRUE)$/;
const FALSE = /^(?:0|f|F|false|False|FALSE)$/;

function parameterOf(name: string, type: IrParameterType, text: string): Json {
  if (type === 'STRING') return text;
  const trimmed = text.trim();
  if (type === 'BOOLEAN') {
    if (TRUE.test(trimmed) || FALSE.test(trimmed)) return TRUE.test(trimmed);
    throw typeError(name, text, 'a boolean');
  }
  if (type === 'NUMBER_INTEGER' || type === 'NUMBER_DOUBLE') {
    const number = Number(trimmed);
    const fits = trimmed !== '' && Number.isFinite(number) && (type === 'NUMBER_DOUBLE' || Number.isInteger(number));
    if (fits) return number;
    throw typeError(name, text, type === 'NUMBER_INTEGER' ? 'an integer' : 'a number');
  }
  const value = jsonOf(name, text, type === 'LIST' ? 'a list' : 'an object');
  if (typeof value === 'object' && value !== null && Array.isArray(value) === (type === 'LIST')) return value;
  throw typeError(name, text, type === 'LIST' ? 'a list' : 'an object');
}

function jsonOf(name: string, text: string, expected: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw typeError(name, text, expected);
  }
}

function typeError(name: string, text: string, expected: string): ValueError {
  return new ValueError(`output ${name} is ${JSON.stringify(text.slice(0, 80))}, not ${expected}`);
}

export function outputArtifacts(
  { outputs }: KfpStep,
  reported: ExecutorOutput,
  left: StepResults,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(outputs.artifacts).map(([name, { type, metadata = {} }]): [string, Value] => {
      const reportedArtifact = reported.artifacts[name]?.artifacts?.[0] ?? {};
      const files = left.artifacts[name] ?? left.nothing;
      const isElsewhere = reportedArtifact.uri !== undefined && /^[a-z][a-z0-9+.-]*:\/\//i.test(reportedArtifact.uri);
      const artifact: Artifact = {
        ...files,
        label: reportedArtifact.name ?? name,
        ...(type !== undefined && { type }),
        metadata: { ...metadata, ...reportedArtifact.metadata },
        ...(isElsewhere && files.files === 0 && { uri: reportedArtifact.uri }),
      };
      return [name, { artifact }];
    }),
  );
}
