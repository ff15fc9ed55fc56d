/** From the document of a pipeline to a plan. Each language of pipelines brings its own, under the word of its format. */
import type { PipelineParameters } from '@dais/api';
import type { Artifact, Graph, Json, Values } from '../machine/plan.ts';
import type { FoundVersion } from '../step-data.ts';
import type { ImageRule } from './image-rules.ts';

export interface CompileOptions {
  /** What people call the run. */
  readonly name: string;
  readonly runId: string;
  /** What the run is given. Undefined: the plan is only looked at, so nothing needs a value. */
  readonly parameters: Readonly<Record<string, Json>> | undefined;
  /** The code of the run, where it brings some. */
  readonly code: Artifact | undefined;
  /** There are no accounts. */
  readonly solo: boolean;
  /** Why it runs by itself, where it does. */
  readonly fire?: Fire | undefined;
  /** The newest version of another pipeline of the project. */
  readonly pipeline: (name: string) => Promise<PipelineDocument | undefined>;
  /** The version of a dataset that is meant; where the plan is only looked at, any. @throws DaisError */
  readonly dataset: (reference: string) => Promise<FoundVersion>;
  /** What stands for images where steps run. */
  readonly images: () => Promise<readonly ImageRule[]>;
  /** Why other images cannot be run there; undefined when they can. */
  readonly imageFault: () => Promise<string | undefined>;
}

export interface Fire {
  /** Milliseconds since 1970-01-01 UTC: the time that it was to start, or when its cause happened. */
  readonly time: number;
  /** 1 for the first of its schedule. */
  readonly index: number;
  /** What the cause says. */
  readonly data?: Json | undefined;
}

export interface PipelineDocument {
  readonly format: string;
  readonly document: unknown;
}

export interface CompiledPipeline {
  readonly plan: Graph;
  readonly inputs: Values;
  /** What a run may be given. */
  readonly parameters: PipelineParameters;
  /** What is done in another way than it is written, or not at all. */
  readonly warnings: readonly string[];
}

export interface PipelineCompiler {
  /** @throws DaisError `invalid_request` with everything that is wrong, each with its path. */
  compile(document: unknown, options: CompileOptions): Promise<CompiledPipeline>;
}

/** By format. */
export type PipelineCompilers = ReadonlyMap<string, PipelineCompiler>;
