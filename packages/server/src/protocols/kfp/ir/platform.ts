/** Applies the Kubernetes part of a pipeline to steps that are processes: secrets and time limits. The rest is ignored. */
import type { Json, StepSecret } from '#ledgers/executions/index.ts';
import type { KubernetesExecutor, ParameterInput } from './messages.ts';

/** Fields that apply only to pods, with the reason why they are ignored. */
const PODS_ONLY: Readonly<Partial<Record<keyof KubernetesExecutor, string>>> = {
  secretAsVolume: 'steps are processes without mounts; read the secret from an environment variable',
  configMapAsVolume: 'steps are processes without mounts; read it from an environment variable',
  pvcMount: 'steps share no volume; pass files as artifacts',
  emptyDirMounts: 'each step has its own folder',
  genericEphemeralVolume: 'each step has its own folder',
  enabledSharedMemory: 'steps use the shared memory of the machine',
  nodeSelector: 'there is one machine',
  nodeAffinity: 'there is one machine',
  podAffinity: 'there is one machine',
  tolerations: 'there is one machine',
  podMetadata: 'there is no pod',
  imagePullSecret: 'no image is pulled',
  imagePullPolicy: 'no image is pulled',
  securityContext: 'Dais isolates the steps',
  initContainers: 'there is no pod',
};

export interface StepPlatform {
  readonly secrets: Readonly<Record<string, StepSecret>>;
  readonly timeoutMs?: number;
  readonly warnings: readonly string[];
  /** Errors that prevent a run. */
  readonly problems: readonly string[];
}

/**
 * @param valueOf value of the input when the run starts; undefined: a task produces it
 */
export function stepPlatform(
  executor: KubernetesExecutor,
  valueOf: (input: ParameterInput) => Json | undefined,
): StepPlatform {
  const secrets: Record<string, StepSecret> = {};
  const warnings: string[] = [];
  const problems: string[] = [];
  const named = (what: string, constant: string | undefined, input: ParameterInput | undefined): string | undefined => {
    const name = input === undefined ? constant : valueOf(input);
    // An optional name that is missing.
    if (name === null || name === '') return undefined;
    if (typeof name === 'string') return name;
    problems.push(
      `${what} takes a name from the output of a task. The permission to use it is checked before the run starts. Use a constant or a pipeline parameter`,
    );
    return undefined;
  };
  for (const { secretName, secretNameParameter, keyToEnv = [], optional } of executor.secretAsEnv ?? []) {
    const secret = named('secretAsEnv', secretName, secretNameParameter);
    if (secret === undefined) continue;
    for (const { secretKey, envVar } of keyToEnv) {
      secrets[envVar] = { secret, key: secretKey, ...(optional === true && { optional: true }) };
    }
  }
  for (const { configMapName, configMapNameParameter, keyToEnv = [], optional } of executor.configMapAsEnv ?? []) {
    const secret = named('configMapAsEnv', configMapName, configMapNameParameter);
    if (secret === undefined) continue;
    for (const { configMapKey, envVar } of keyToEnv) {
      secrets[envVar] = { secret, key: configMapKey, ...(optional === true && { optional: true }) };
    }
  }
  for (const { name, fieldPath } of executor.fieldPathAsEnv ?? []) {
    warnings.push(`fieldPathAsEnv ${name} is ignored: there is no pod with a ${fieldPath}`);
  }
  for (const [field, why] of Object.entries(PODS_ONLY)) {
    const value = executor[field as keyof KubernetesExecutor];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0))
      warnings.push(`${field} is ignored: ${why}`);
  }
  const seconds = Number(executor.activeDeadlineSeconds ?? 0);
  return { secrets, warnings, problems, ...(seconds > 0 && { timeoutMs: seconds * 1000 }) };
}
