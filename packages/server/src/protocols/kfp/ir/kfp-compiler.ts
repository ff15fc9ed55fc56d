/** The compiler of Kubeflow pipelines for the executions ledger. */
import type { PipelineParameters } from '@dais/api/executions';
import { datasetArtifact, type Artifact, type Json, type PipelineCompiler } from '#ledgers/executions/index.ts';
import type { NamedRows } from '../runtime/dataset-uri.ts';
import type { SuccessState } from '../runtime/job-names.ts';
import { compileIr } from './compile.ts';
import { needsContainers } from './image.ts';
import { typeOfParameter, type IrParameterType, type PipelineSpec } from './messages.ts';
import { readIr, type PipelineDocument } from './pipeline-file.ts';

/** Format of such pipeline versions. */
export const KFP_FORMAT = 'kfp';

interface KfpCompilerOptions {
  readonly now: () => number;
  /** Default: that of Kubeflow's server. */
  readonly successState?: SuccessState;
}

export function kfpCompiler({ now, successState = 'COMPLETE' }: KfpCompilerOptions): PipelineCompiler {
  return {
    compile: async (document, { name, runId, parameters, solo, fire, dataset, images, imageProblem }) => {
      const ir = readIr(document as PipelineDocument);
      const rules = await images();
      const request = Object.values(ir.spec.deploymentSpec?.executors ?? {}).flatMap(
        ({ container }) => container?.image ?? [],
      );
      const options = {
        name,
        runId,
        parameters,
        images: rules,
        imageProblem: needsContainers(request, rules) ? await imageProblem() : undefined,
        isolation: solo ? ('preferred' as const) : ('required' as const),
        now: new Date(now()),
        successState,
        scheduled: fire === undefined ? undefined : new Date(fire.time),
        index: fire?.index,
      };
      // The first compilation finds the referenced dataset versions, which are then resolved.
      const named = new Map<string, NamedRows>();
      const keyOf = ({ reference, format }: NamedRows) => `${format} ${reference}`;
      compileIr(ir, { ...options, dataset: (rows) => void named.set(keyOf(rows), rows) });
      const found = new Map<string, Artifact>();
      for (const [key, { reference, format }] of named)
        found.set(key, datasetArtifact(await dataset(reference), format));
      const compiled = compileIr(ir, { ...options, dataset: (rows) => found.get(keyOf(rows)) });
      return { ...compiled, parameters: parametersOf(ir.spec) };
    },
  };
}

const TYPES: Readonly<Partial<Record<IrParameterType, PipelineParameters[string]['type']>>> = {
  NUMBER_INTEGER: 'integer',
  NUMBER_DOUBLE: 'number',
  BOOLEAN: 'boolean',
  LIST: 'list',
  STRUCT: 'map',
};

function parametersOf({ root }: PipelineSpec): PipelineParameters {
  return Object.fromEntries(
    Object.entries(root.inputDefinitions?.parameters ?? {}).map(([name, spec]) => {
      const standard = (spec.defaultValue as Json | undefined) ?? (spec.isOptional === true ? null : undefined);
      return [
        name,
        {
          type: TYPES[typeOfParameter(spec)] ?? 'string',
          ...(standard !== undefined && { default: standard }),
          ...(spec.literals !== undefined && spec.literals.length > 0 && { choices: spec.literals }),
        },
      ];
    }),
  );
}
