/** Resolves a step and its inputs to the task of a compute engine. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { AttemptClaim } from './attempts.ts';
import type { Artifact, Json, LateText, Step, Values } from '../machine/plan.ts';
import { ValueError } from '../machine/values.ts';
import type { StepText } from './step-dialect.ts';

/** The limit of Linux for one argument or variable in bytes, without the final NUL. */
const LONGEST_TEXT = 131_071;

/** An artifact and its path in the working folder. */
export interface PlacedArtifact {
  readonly artifact: Artifact;
  readonly path: string;
}

export interface ResolvedStep {
  readonly command: readonly [string, ...string[]];
  readonly variables: Readonly<Record<string, string>>;
  readonly artifacts: readonly PlacedArtifact[];
  /** Further input files, and texts that are read when the step has ended; see `DialectStep`. */
  readonly files?: readonly StepText[];
  readonly texts?: Readonly<Record<string, string>>;
  /** Equal for steps that do the same. */
  readonly fingerprint: string;
}

/** Returns the admitted resources. The default of disk is only a limit: the engine reserves no free disk for it. */
export function taskResources({ resources }: Step, { requests }: Pick<AttemptClaim, 'requests'>): Step['resources'] {
  const { disk: _, ...admitted } = requests;
  const disk = resources['disk'];
  return disk === undefined ? admitted : { ...admitted, disk };
}

/** @throws ValueError */
export function resolveStep(step: Step, inputs: Values): ResolvedStep {
  const late = (text: LateText): string => {
    const parts = typeof text === 'string' ? [text] : text;
    const whole = parts
      .map((part) => {
        if (typeof part === 'string') return part;
        if ('parameter' in part) return parameterText(inputs, part.parameter);
        if ('pathOfInput' in part) return pathOf(step, part.pathOfInput);
        return step.outputs[part.pathOfOutput]?.path ?? '';
      })
      .join('');
    if (Buffer.byteLength(whole) > LONGEST_TEXT) {
      throw new ValueError(`an argument or variable has more than ${LONGEST_TEXT} bytes: pass it as a file`);
    }
    if (whole.includes('\0')) throw new ValueError('an argument or variable contains a NUL character');
    return whole;
  };
  const [program, ...rest] = step.command.map(late);
  if (program === undefined) throw new ValueError('the step has no command');
  const variables = Object.fromEntries(Object.entries(step.variables).map(([name, text]) => [name, late(text)]));
  const artifacts = artifactsAmong(step, inputs);
  const command = [program, ...rest] as const;
  const same = {
    command,
    variables,
    secrets: step.secrets,
    environment: step.environment,
    outputs: step.outputs,
    files: artifacts.map(({ artifact: { digest, folder, uri }, path }) => ({
      digest,
      folder,
      path,
      ...(uri !== undefined && { uri }),
    })),
  };
  return {
    command,
    variables,
    artifacts,
    fingerprint: createHash('sha256').update(canonicalJson(same)).digest('hex'),
  };
}

/** Returns the artifacts among the inputs, with their paths. */
export function artifactsAmong(step: Step, inputs: Values): readonly PlacedArtifact[] {
  return Object.entries(inputs).flatMap(([name, value]): PlacedArtifact[] => {
    const path = pathOf(step, name);
    if ('artifact' in value) return [{ artifact: value.artifact, path }];
    return 'artifacts' in value ? value.artifacts.map((artifact, n) => ({ artifact, path: `${path}/${n}` })) : [];
  });
}

/** Returns the path of an input, relative to the working folder. */
export function pathOf(step: Step, input: string): string {
  return step.places[input] ?? `inputs/${input}`;
}

function parameterText(inputs: Values, name: string): string {
  const value = inputs[name];
  if (value === undefined) return '';
  if (!('parameter' in value))
    throw new ValueError(`${name} is an artifact; only a parameter can be inserted into text`);
  return textOf(value.parameter);
}

/** Returns text unchanged, and other values as compact JSON. */
export function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
