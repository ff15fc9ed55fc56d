/**
 * Steps in the format of another system. The protocol adapter resolves such a step to a command when it starts, and
 * converts its results to outputs when it has ended.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import type { Artifact, Json, Step, Values } from '../machine/plan.ts';
import { artifactsAmong, pathOf, resolveStep, type ResolvedStep } from './step-spec.ts';

export interface StepAbout {
  readonly run: { readonly id: string; readonly name: string; readonly createdAt: Date };
  /** Id of its node. */
  readonly node: string;
  /** Name of the task in its graph. */
  readonly task: string;
  readonly attempt: string;
  /** Starts at 1. */
  readonly attemptNumber: number;
}

interface DialectStepContext {
  readonly step: Step;
  readonly inputs: Values;
  readonly about: StepAbout;
  /** Returns the path of an input, relative to the working folder. Items of a list are below it, by index. */
  readonly pathOf: (input: string) => string;
}

export interface StepText {
  readonly path: string;
  readonly text: string;
}

interface DialectStep {
  readonly command: readonly [string, ...string[]];
  readonly variables: Readonly<Record<string, string>>;
  readonly files: readonly StepText[];
  /** Paths of further files that are read as text when the step has ended, by name. */
  readonly texts: Readonly<Record<string, string>>;
  /** Cache key: equal for steps that do the same. */
  readonly same: Json;
}

/** `outputs`: known without running anything. */
export type ResolvedDialectStep = { readonly outputs: Values } | DialectStep;

/** The results of a step. */
export interface StepResults {
  /** Texts by the name of a parameter output or of a further file. */
  readonly texts: Readonly<Record<string, string>>;
  /** Artifacts by the name of the output. Absent when the step wrote no files. */
  readonly artifacts: Readonly<Record<string, Artifact>>;
  /** An artifact without files. */
  readonly nothing: Artifact;
}

export interface StepDialect {
  readonly name: string;
  /** Deterministic: equal arguments give the same result. @throws ValueError */
  resolve(question: DialectStepContext): ResolvedDialectStep;
  /** @throws ValueError */
  outputs(of: { readonly step: Step; readonly inputs: Values; readonly left: StepResults }): Values;
}

export type StepDialects = ReadonlyMap<string, StepDialect>;

/** @throws ValueError */
export function resolveAny(
  { step, inputs, about }: Omit<DialectStepContext, 'pathOf'>,
  dialects: StepDialects,
): ResolvedStep | { readonly outputs: Values } {
  const dialect = dialectOf(step, dialects);
  if (dialect === undefined) return resolveStep(step, inputs);
  const answer = dialect.resolve({ step, inputs, about, pathOf: (input) => pathOf(step, input) });
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
  if (found === undefined) throw new Error(`unknown step dialect ${dialect.name}`);
  return found;
}
