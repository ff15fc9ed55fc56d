/** Validates the parameters of a run. */
import { DaisError, type Issue } from '@dais/api';
import type { Json } from '#ledgers/executions/index.ts';
import { typeOfParameter, type IrParameterType, type ParameterSpec, type PipelineSpec } from './messages.ts';

/** Returns all parameters of the pipeline; null: optional and missing. @throws DaisError `invalid_request` with all errors. */
export function runParameters(
  { root }: PipelineSpec,
  given: Readonly<Record<string, Json>>,
  macros: ReadonlyMap<string, string>,
): Readonly<Record<string, Json>> {
  const definitions = root.inputDefinitions?.parameters ?? {};
  const issues: Issue[] = [];
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(definitions, name)) continue;
    const names = Object.keys(definitions).toSorted().join(', ');
    const message = `is not a parameter of the pipeline; its parameters: ${names === '' ? 'none' : names}`;
    issues.push({ path: `parameters.${name}`, message });
  }
  const values = Object.entries(definitions).map(([name, spec]): [string, Json] => {
    const value = Object.hasOwn(given, name) ? given[name]! : ((spec.defaultValue as Json | undefined) ?? null);
    const problem = problemOf(spec, value);
    if (problem !== undefined) issues.push({ path: `parameters.${name}`, ...problem });
    return [name, typeof value === 'string' ? expanded(value, macros) : value];
  });
  const [first] = issues;
  if (first !== undefined) {
    throw new DaisError(
      'invalid_request',
      `The parameters do not match the pipeline: ${first.path?.slice('parameters.'.length) ?? ''} ${first.message}.`,
      { issues },
    );
  }
  return Object.fromEntries(values);
}

function problemOf(spec: ParameterSpec, value: Json): Omit<Issue, 'path'> | undefined {
  const type = typeOfParameter(spec);
  if (type === 'TASK_FINAL_STATUS' || type === 'TASK_CONFIG') {
    return {
      message: `has the type ${type}, which the platform sets for tasks; a pipeline cannot have it as a parameter`,
    };
  }
  if (value === null) return spec.isOptional === true ? undefined : { message: 'is required', expected: type };
  if (!fitsType(type, value)) return { message: `is ${JSON.stringify(value).slice(0, 80)}`, expected: type };
  return literalProblem(spec.literals ?? [], value);
}

export function literalProblem(literals: readonly Json[], value: Json): Omit<Issue, 'path'> | undefined {
  const text = JSON.stringify(value);
  if (literals.length === 0 || literals.some((one) => JSON.stringify(one) === text)) return undefined;
  return { message: `is ${text.slice(0, 80)}`, expected: `one of ${JSON.stringify(literals)}` };
}

function fitsType(type: IrParameterType, value: Json): boolean {
  if (type === 'NUMBER_INTEGER') return typeof value === 'number' && Number.isInteger(value);
  if (type === 'NUMBER_DOUBLE') return typeof value === 'number';
  if (type === 'STRING') return typeof value === 'string';
  if (type === 'BOOLEAN') return typeof value === 'boolean';
  if (type === 'LIST') return Array.isArray(value);
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expanded(text: string, macros: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\[\[([A-Za-z]+)\]\]/g, (whole, name: string) => macros.get(name) ?? whole);
}
