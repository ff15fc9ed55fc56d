/** Parameters of pipelines, and validation of their values. */
import type { Issue } from '#errors.ts';
import { nearest } from '#nearest.ts';

export const parameterTypes = ['string', 'integer', 'number', 'boolean', 'list', 'map'] as const;
type ParameterType = (typeof parameterTypes)[number];

export interface PipelineParameter {
  readonly type: ParameterType;
  readonly default?: unknown;
  readonly choices?: readonly unknown[] | undefined;
}

export type PipelineParameters = Readonly<Record<string, PipelineParameter>>;

/** Undefined: the value is valid. */
export function misfit({ type, choices }: PipelineParameter, value: unknown): string | undefined {
  if (!fits(type, value)) return `is ${JSON.stringify(value)?.slice(0, 100)}, which is not of type ${type}`;
  if (choices === undefined || choices.includes(value)) return undefined;
  return `is ${JSON.stringify(value)}, which is not an allowed value`;
}

function fits(type: ParameterType, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value);
    case 'list':
      return Array.isArray(value);
    case 'map':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

/** All problems of values for these parameters. `path`: their path. */
export function parameterIssues(
  parameters: PipelineParameters,
  given: Readonly<Record<string, unknown>>,
  path: string,
): Issue[] {
  const names = Object.keys(parameters);
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(given)) {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    const at = `${path}.${name}`;
    if (parameter === undefined) {
      const near = nearest(name, names);
      const expected = names.length === 0 ? 'no parameters' : names.slice(0, 20).join(', ');
      issues.push({
        path: at,
        message: 'is not a parameter of it',
        expected,
        ...(near !== undefined && { nearest: near }),
      });
      continue;
    }
    const message = misfit(parameter, value);
    const expected = parameter.choices?.map((choice) => JSON.stringify(choice)).join(', ') ?? parameter.type;
    if (message !== undefined) issues.push({ path: at, message, expected });
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    if (parameter.default !== undefined || Object.hasOwn(given, name)) continue;
    issues.push({
      path: `${path}.${name}`,
      message: 'has no default, and no value is set',
      expected: parameter.type,
    });
  }
  return issues;
}
