/**
 * Schemas of PipelineSpec 2.1.0 and of the Kubernetes part of PlatformSpec. Fields can be in lowerCamelCase or snake_case.
 * Unknown fields are ignored with a warning, so that pipelines of newer SDKs still run.
 */
import { z } from 'zod';

const name = z.string();
const flag = z.boolean().optional();
const text = z.string().optional();
const anything = z.json().optional();

const PARAMETER_TYPES = [
  'NUMBER_DOUBLE',
  'NUMBER_INTEGER',
  'STRING',
  'BOOLEAN',
  'LIST',
  'STRUCT',
  'TASK_FINAL_STATUS',
  'TASK_CONFIG',
] as const;

const parameterSpec = z.object({
  parameterType: z.enum(PARAMETER_TYPES).optional(),
  /** Form of older files. */
  type: z.enum(['INT', 'DOUBLE', 'STRING']).optional(),
  defaultValue: z.json().optional(),
  isOptional: flag,
  description: text,
  literals: z.array(z.json()).optional(),
});

const artifactType = z.object({ schemaTitle: text, instanceSchema: text, schemaUri: text, schemaVersion: text });

const artifactSpec = z.object({
  artifactType: artifactType.optional(),
  isArtifactList: flag,
  isOptional: flag,
  description: text,
  metadata: z.record(z.string(), z.json()).optional(),
  properties: z.json().optional(),
  customProperties: z.json().optional(),
});

const definitions = z.object({
  parameters: z.record(name, parameterSpec).optional(),
  artifacts: z.record(name, artifactSpec).optional(),
});

/** A value, or the name of an input of the enclosing component. */
const valueOrParameter = z.object({
  constant: z.json().optional(),
  constantValue: z.json().optional(),
  runtimeParameter: text,
});

const parameterInput = z.object({
  runtimeValue: valueOrParameter.optional(),
  componentInputParameter: text,
  taskOutputParameter: z.object({ producerTask: name, outputParameterKey: name }).optional(),
  taskFinalStatus: z.object({ producerTask: name }).optional(),
  parameterExpressionSelector: text,
});

const artifactInput = z.object({
  componentInputArtifact: text,
  taskOutputArtifact: z.object({ producerTask: name, outputArtifactKey: name }).optional(),
});

const count = z.number().int().min(0);

const task = z.object({
  taskInfo: z.object({ name: text, taskName: text }).optional(),
  componentRef: z.object({ name }),
  inputs: z
    .object({
      parameters: z.record(name, parameterInput).optional(),
      artifacts: z.record(name, artifactInput).optional(),
    })
    .optional(),
  dependentTasks: z.array(name).optional(),
  cachingOptions: z.object({ enableCache: flag, cacheKey: text }).optional(),
  triggerPolicy: z
    .object({
      condition: text,
      strategy: z
        .enum(['TRIGGER_STRATEGY_UNSPECIFIED', 'ALL_UPSTREAM_TASKS_SUCCEEDED', 'ALL_UPSTREAM_TASKS_COMPLETED'])
        .optional(),
    })
    .optional(),
  parameterIterator: z.object({ itemInput: name, items: z.object({ raw: text, inputParameter: text }) }).optional(),
  artifactIterator: z.object({ itemInput: name, items: z.object({ inputArtifact: name }) }).optional(),
  iteratorPolicy: z.object({ parallelismLimit: count.optional() }).optional(),
  retryPolicy: z
    .object({
      maxRetryCount: count.optional(),
      backoffDuration: text,
      backoffFactor: z.number().optional(),
      backoffMaxDuration: text,
    })
    .optional(),
});

const parameterSelector = z.object({ producerSubtask: name, outputParameterKey: name });

const dag = z.object({
  tasks: z.record(name, task).optional(),
  outputs: z
    .object({
      parameters: z
        .record(
          name,
          z.object({
            valueFromParameter: parameterSelector.optional(),
            valueFromOneof: z.object({ parameterSelectors: z.array(parameterSelector) }).optional(),
          }),
        )
        .optional(),
      artifacts: z
        .record(
          name,
          z.object({ artifactSelectors: z.array(z.object({ producerSubtask: name, outputArtifactKey: name })) }),
        )
        .optional(),
    })
    .optional(),
});

const component = z.object({
  inputDefinitions: definitions.optional(),
  outputDefinitions: definitions.optional(),
  dag: dag.optional(),
  executorLabel: text,
  singlePlatformSpecs: z.json().optional(),
  taskConfigPassthroughs: z.array(z.object({ field: name, applyToTask: flag })).optional(),
});

const accelerator = z.object({
  resourceType: text,
  resourceCount: text,
  type: text,
  count: z.union([z.string(), z.number()]).optional(),
});

const container = z.object({
  image: name,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z.array(z.object({ name, value: text })).optional(),
  resources: z
    .object({
      resourceCpuLimit: text,
      resourceCpuRequest: text,
      resourceMemoryLimit: text,
      resourceMemoryRequest: text,
      cpuLimit: z.number().optional(),
      cpuRequest: z.number().optional(),
      memoryLimit: z.number().optional(),
      memoryRequest: z.number().optional(),
      accelerator: accelerator.optional(),
    })
    .optional(),
  lifecycle: z.json().optional(),
});

const importer = z.object({
  artifactUri: valueOrParameter,
  typeSchema: artifactType.optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  reimport: flag,
  downloadToWorkspace: flag,
});

const executor = z.object({
  container: container.optional(),
  importer: importer.optional(),
  resolver: z.json().optional(),
  customJob: z.json().optional(),
});

export const pipelineSpec = z.object({
  pipelineInfo: z.object({ name, displayName: text, description: text }),
  deploymentSpec: z.object({ executors: z.record(name, executor).optional() }).optional(),
  sdkVersion: text,
  schemaVersion: name,
  components: z.record(name, component).optional(),
  root: component,
  defaultPipelineRoot: text,
});

const nameFrom = { secretName: text, configMapName: text };
const named = {
  ...nameFrom,
  secretNameParameter: parameterInput.optional(),
  configMapNameParameter: parameterInput.optional(),
};

const kubernetesExecutor = z.object({
  secretAsEnv: z
    .array(
      z.object({ ...named, optional: flag, keyToEnv: z.array(z.object({ secretKey: name, envVar: name })).optional() }),
    )
    .optional(),
  configMapAsEnv: z
    .array(
      z.object({
        ...named,
        optional: flag,
        keyToEnv: z.array(z.object({ configMapKey: name, envVar: name })).optional(),
      }),
    )
    .optional(),
  activeDeadlineSeconds: z.union([z.number(), z.string()]).optional(),
  fieldPathAsEnv: z.array(z.object({ name, fieldPath: name })).optional(),
  secretAsVolume: anything,
  configMapAsVolume: anything,
  pvcMount: anything,
  nodeSelector: anything,
  podMetadata: anything,
  imagePullSecret: anything,
  imagePullPolicy: anything,
  tolerations: anything,
  genericEphemeralVolume: anything,
  nodeAffinity: anything,
  podAffinity: anything,
  enabledSharedMemory: anything,
  emptyDirMounts: anything,
  securityContext: anything,
  initContainers: anything,
});

export const platformSpec = z.object({
  platforms: z.object({
    kubernetes: z
      .object({
        deploymentSpec: z.object({ executors: z.record(name, kubernetesExecutor).optional() }).optional(),
        pipelineConfig: z.json().optional(),
        platform: text,
        version: text,
        config: z.json().optional(),
      })
      .optional(),
  }),
});

export type PipelineSpec = z.infer<typeof pipelineSpec>;
export type PlatformSpec = z.infer<typeof platformSpec>;
export type ComponentSpec = z.infer<typeof component>;
export type DagSpec = z.infer<typeof dag>;
export type TaskSpec = z.infer<typeof task>;
export type ExecutorSpec = z.infer<typeof executor>;
export type ContainerSpec = z.infer<typeof container>;
export type ImporterSpec = z.infer<typeof importer>;
export type ParameterSpec = z.infer<typeof parameterSpec>;
export type ArtifactSpec = z.infer<typeof artifactSpec>;
export type ArtifactType = z.infer<typeof artifactType>;
export type ParameterInput = z.infer<typeof parameterInput>;
export type KubernetesExecutor = z.infer<typeof kubernetesExecutor>;
export type IrParameterType = (typeof PARAMETER_TYPES)[number];

export function typeOfParameter({ parameterType, type }: ParameterSpec): IrParameterType {
  if (parameterType !== undefined) return parameterType;
  if (type === 'INT') return 'NUMBER_INTEGER';
  return type === 'DOUBLE' ? 'NUMBER_DOUBLE' : 'STRING';
}
