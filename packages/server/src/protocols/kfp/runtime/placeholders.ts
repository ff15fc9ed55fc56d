/** Replaces placeholders in commands, arguments and variables of a component by the values of a step. */
import { ValueError, type Json } from '#ledgers/executions/index.ts';

export interface RuntimeArtifact {
  readonly name: string;
  readonly type: { readonly schemaTitle?: string; readonly instanceSchema?: string; readonly schemaVersion?: string };
  readonly uri: string;
  readonly metadata: Readonly<Record<string, Json>>;
}

/** The JSON input of an executor. */
export interface ExecutorInput {
  readonly inputs: {
    readonly parameterValues: Readonly<Record<string, Json>>;
    readonly artifacts: Readonly<Record<string, { readonly artifacts: readonly RuntimeArtifact[] }>>;
  };
  readonly outputs: {
    readonly parameters: Readonly<Record<string, { readonly outputFile: string }>>;
    readonly artifacts: Readonly<Record<string, { readonly artifacts: readonly RuntimeArtifact[] }>>;
    readonly outputFile: string;
  };
}

export interface PlaceholderValues {
  readonly input: ExecutorInput;
  /** Names and times of the run, by the text between `{{$.` and `}}`. */
  readonly constants: ReadonlyMap<string, string>;
}

const PLACEHOLDER = /\{\{\$(?:\.([^{}]*))?\}\}/g;
const MEMBER =
  /^(inputs|outputs)\.(parameters|artifacts)\[(?:'([^']*)'|"([^"]*)")\](?:\.([a-z_]+)(?:\[(?:'([^']*)'|"([^"]*)")\])?)?$/;

/** Returns text unchanged, and other values as compact JSON. */
export function parameterText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** @throws ValueError for a placeholder without a value. */
export function resolvedText(text: string, values: PlaceholderValues): string {
  return text.replaceAll(PLACEHOLDER, (whole, inner: string | undefined) =>
    inner === undefined ? JSON.stringify(values.input) : (valueOf(inner, values) ?? whole),
  );
}

/** Undefined: an unknown placeholder, which stays unchanged. */
function valueOf(inner: string, { input, constants }: PlaceholderValues): string | undefined {
  const constant = constants.get(inner);
  if (constant !== undefined) return constant;
  if (inner === 'outputs.output_file' || inner === 'outputMetadataUri') return input.outputs.outputFile;
  const found = MEMBER.exec(inner);
  if (found === null) return undefined;
  const [, side, kind, quoted, double, field, key, otherKey] = found;
  const name = quoted ?? double ?? '';
  if (kind === 'parameters') {
    if (side === 'outputs') return known(input.outputs.parameters[name], inner).outputFile;
    const value = input.inputs.parameterValues[name];
    // A missing optional value becomes empty text.
    return value === undefined || value === null ? '' : parameterText(value);
  }
  const list = side === 'inputs' ? input.inputs.artifacts[name] : input.outputs.artifacts[name];
  if (list === undefined && side === 'inputs') return '';
  const { artifacts } = known(list, inner);
  if (field === undefined) return JSON.stringify(artifacts);
  const [first] = artifacts;
  if (first === undefined) return '';
  const member = key ?? otherKey;
  if (field === 'path' || field === 'uri') return first.uri;
  if (field === 'name') return first.name;
  if (field !== 'metadata') return undefined;
  if (member === undefined) return JSON.stringify(first.metadata);
  const value = first.metadata[member];
  if (value === undefined) throw new ValueError(`{{$.${inner}}}: the metadata of ${name} has no ${member}`);
  return parameterText(value);
}

function known<Found>(found: Found | undefined, inner: string): Found {
  if (found === undefined) throw new ValueError(`{{$.${inner}}} refers to an output that the component does not have`);
  return found;
}

/** Resolves one element of a command to any number of elements. @throws ValueError */
export function resolvedElements(element: string, values: PlaceholderValues): readonly string[] {
  const structure = structureIn(element);
  return structure === undefined ? [resolvedText(element, values)] : elements(structure, values, 0);
}

type Structure = string | readonly Structure[] | { readonly Concat?: unknown; readonly IfPresent?: unknown };

function structureIn(element: string): Structure | undefined {
  if (!/^\s*\{\s*"(?:Concat|IfPresent)"\s*:/.test(element)) return undefined;
  try {
    return JSON.parse(element) as Structure;
  } catch {
    return undefined;
  }
}

const DEEPEST = 50;

function elements(of: Structure, values: PlaceholderValues, depth: number): readonly string[] {
  if (depth > DEEPEST) throw new ValueError(`a command nests placeholders more than ${DEEPEST} levels deep`);
  if (typeof of === 'string') return [resolvedText(of, values)];
  if (Array.isArray(of)) return (of as readonly Structure[]).flatMap((one) => elements(one, values, depth + 1));
  const { Concat: concat, IfPresent: ifPresent } = of as Exclude<Structure, string | readonly Structure[]>;
  if (Array.isArray(concat)) return [elements(concat as Structure, values, depth + 1).join('')];
  const { InputName: name, Then, Else } = (ifPresent ?? {}) as Readonly<Record<string, Structure | undefined>>;
  if (typeof name !== 'string') throw new ValueError('a command contains an unsupported placeholder');
  const chosen = isPresent(name, values.input) ? Then : Else;
  return chosen === undefined || chosen === null ? [] : elements(chosen, values, depth + 1);
}

function isPresent(name: string, { inputs }: ExecutorInput): boolean {
  const value = inputs.parameterValues[name];
  return (value !== undefined && value !== null) || (inputs.artifacts[name]?.artifacts.length ?? 0) > 0;
}
