/** What the Kubernetes part of a pipeline means where steps are processes: secrets and time limits; the rest is told and left out. */
import type { Json, StepSecret } from '#ledgers/executions/index.ts';
import type { KubernetesExecutor, ParameterInput } from './messages.ts';

/** What only a pod has, and what a person should know about its being left out. */
const PODS_ONLY: Readonly<Partial<Record<keyof KubernetesExecutor, string>>> = {
  secretAsVolume: 'steps are processes and have no mounts: read the secret from a variable',
  configMapAsVolume: 'steps are processes and have no mounts: read it from a variable',
  pvcMount: 'steps share no volume: pass files as artifacts',
  emptyDirMounts: 'steps have a folder of their own instead',
  genericEphemeralVolume: 'steps have a folder of their own instead',
  enabledSharedMemory: 'steps use the machine’s own',
  nodeSelector: 'there is one machine',
  nodeAffinity: 'there is one machine',
  podAffinity: 'there is one machine',
  tolerations: 'there is one machine',
  podMetadata: 'there is no pod',
  imagePullSecret: 'no image is pulled',
  imagePullPolicy: 'no image is pulled',
  securityContext: 'steps are isolated by Dais itself',
  initContainers: 'there is no pod',
};

export interface StepPlatform {
  readonly secrets: Readonly<Record<string, StepSecret>>;
  readonly timeoutMs?: number;
  readonly warnings: readonly string[];
  /** What a run cannot begin with. */
  readonly faults: readonly string[];
}

/**
 * @param valueOf what the input is when the run begins; undefined: only a task will tell
 */
export function stepPlatform(
  executor: KubernetesExecutor,
  valueOf: (input: ParameterInput) => Json | undefined,
): StepPlatform {
  const secrets: Record<string, StepSecret> = {};
  const warnings: string[] = [];
  const faults: string[] = [];
  const named = (what: string, constant: string | undefined, input: ParameterInput | undefined): string | undefined => {
    const name = input === undefined ? constant : valueOf(input);
    // An optional name that was not given.
    if (name === null || name === '') return undefined;
    if (typeof name === 'string') return name;
    faults.push(
      `${what} takes a name from another task; whoever starts the run must be allowed to use it, so it has to be known then`,
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
    warnings.push(`fieldPathAsEnv ${name} is left out: there is no pod with a ${fieldPath}`);
  }
  for (const [field, why] of Object.entries(PODS_ONLY)) {
    const value = executor[field as keyof KubernetesExecutor];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0))
      warnings.push(`${field} is left out: ${why}`);
  }
  const seconds = Number(executor.activeDeadlineSeconds ?? 0);
  return { secrets, warnings, faults, ...(seconds > 0 && { timeoutMs: seconds * 1000 }) };
}
