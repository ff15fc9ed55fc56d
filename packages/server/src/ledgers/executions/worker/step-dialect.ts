/**
 * Steps in the words of a front end. What such a step does is known only when it starts, and only to who made it: the worker asks for the
 * command, and afterwards what the outputs are.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { Artifact, Json, Step, Values } from '../machine/plan.ts';
import { artifactsAmong, placeOf, resolveStep, type ResolvedStep } from './step-spec.ts';

export interface StepAbout {
  readonly run: { readonly id: string; readonly name: string; readonly createdAt: Date };
  /** Of its node. */
  readonly node: string;
  /** Its name in its graph. */
  readonly task: string;
  readonly attempt: string;
  /** 1 for the first. */
  readonly attemptNumber: number;
}

interface DialectQuestion {
  readonly step: Step;
  readonly inputs: Values;
  readonly about: StepAbout;
  /** Where the files of an input lie, relative to the working folder; those of a list below that, by number. */
  readonly placeOf: (input: string) => string;
}

export interface StepText {
  readonly path: string;
  readonly text: string;
}

interface DialectStep {
  readonly command: readonly [string, ...string[]];
  readonly variables: Readonly<Record<string, string>>;
  readonly files: readonly StepText[];
  /** Files that are read as text when it has ended, beside its outputs, by a name of their own. */
  readonly texts: Readonly<Record<string, string>>;
  /** Equal for steps that would do the same. */
  readonly same: Json;
}

/** `outputs`: there is nothing to run. */
export type DialectAnswer = { readonly outputs: Values } | DialectStep;

/** What a step left. */
export interface Left {
  /** By the name of an output that is a parameter, or of a further text. */
  readonly texts: Readonly<Record<string, string>>;
  /** By the name of an output that is files; absent when there are none. */
  readonly artifacts: Readonly<Record<string, Artifact>>;
  /** Stands for files that are not there. */
  readonly nothing: Artifact;
}

export interface StepDialect {
  readonly name: string;
  /** Pure: asked again, it answers the same. @throws ValueFault */
  resolve(question: DialectQuestion): DialectAnswer;
  /** @throws ValueFault */
  outputs(of: { readonly step: Step; readonly inputs: Values; readonly left: Left }): Values;
}

export type StepDialects = ReadonlyMap<string, StepDialect>;

/** @throws ValueFault */
export function resolveAny(
  { step, inputs, about }: Omit<DialectQuestion, 'placeOf'>,
  dialects: StepDialects,
): ResolvedStep | { readonly outputs: Values } {
  const dialect = dialectOf(step, dialects);
  if (dialect === undefined) return resolveStep(step, inputs);
  const answer = dialect.resolve({ step, inputs, about, placeOf: (input) => placeOf(step, input) });
  if ('outputs' in answer) return answer;
  const { same, ...resolved } = answer;
  return {
    ...resolved,
    artifacts: artifactsAmong(step, inputs),
    fingerprint: createHash('sha256').update(canonicalJson(same)).digest('hex'),
  };
}

export function dialectOf({ dialect }: Step, dialects: StepDialects): StepDialect | undefined {
  if (dialect === undefined) return undefined;
  const found = dialects.get(dialect.name);
  if (found === undefined) throw new Error(`nobody here knows the dialect ${dialect.name}`);
  return found;
}
