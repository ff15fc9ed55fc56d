/** Kubeflow's pipelines as the executions ledger asks for them. */
import type { PipelineParameters } from '@dais/api';
import type { Json, PipelineCompiler } from '#ledgers/executions/index.ts';
import { compileIr } from './compile.ts';
import { needsContainers } from './image.ts';
import { typeOfParameter, type IrParameterType, type PipelineSpec } from './messages.ts';
import { readIr, type PipelineDocument } from './pipeline-file.ts';

/** Under this word versions of pipelines keep their format. */
export const KFP_FORMAT = 'kfp';

interface KfpCompilerOptions {
  readonly now: () => number;
}

export function kfpCompiler({ now }: KfpCompilerOptions): PipelineCompiler {
  return {
    compile: async (document, { name, runId, parameters, solo, fire, images, imageFault }) => {
      const ir = readIr(document as PipelineDocument);
      const rules = await images();
      const asked = Object.values(ir.spec.deploymentSpec?.executors ?? {}).flatMap(
        ({ container }) => container?.image ?? [],
      );
      const compiled = compileIr(ir, {
        name,
        runId,
        parameters,
        images: rules,
        imageFault: needsContainers(asked, rules) ? await imageFault() : undefined,
        isolation: solo ? 'preferred' : 'required',
        now: new Date(now()),
        scheduled: fire === undefined ? undefined : new Date(fire.time),
        index: fire?.index,
      });
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
