/** Writes what the agent of a task receives from its spec. */
import type { TaskSpec } from '../contract.ts';
import type { AgentEnvironment, AgentOrder } from './agent-api.ts';
import type { StoredEnvironment } from './environment-store.ts';
import { graceMsOf } from './plan/pod-plan.ts';
import { environmentPath } from './plan/pod-resources.ts';
import { agentInput, type StoredBytes } from './task-store.ts';

const DEFAULT_LOG_BYTES = 64 << 20;
/** Lease of the content that a task stores. */
const COLLECT_MS = 6 * 3_600_000;

/** Its inputs and its environment are stored already: `inputs` in the order of the spec. */
export function orderOf(
  spec: TaskSpec,
  inputs: readonly StoredBytes[],
  environment: StoredEnvironment | undefined,
): AgentOrder {
  const { command, secretVariables, outputs, limits } = spec;
  const { wallMs, diskBytes, diskFiles, logBytes = DEFAULT_LOG_BYTES } = limits;
  return {
    command,
    variables: { ...environment?.variables, ...spec.variables },
    secretVariables,
    path: environment?.path ?? [],
    ...(environment !== undefined && { environment: agentEnvironment(environment, inputs.length) }),
    inputs: spec.inputs.map(({ path, executable = false }, index) =>
      agentInput(path, executable, inputs[index] as StoredBytes),
    ),
    outputs: outputs.map(({ name, path }) => ({ name, path })),
    limits: {
      ...(wallMs !== undefined && { wallMs }),
      ...(diskBytes !== undefined && { diskBytes }),
      ...(diskFiles !== undefined && { diskFiles }),
      logBytes,
      graceMs: graceMsOf(limits),
      collectMs: COLLECT_MS,
    },
  };
}

function agentEnvironment(
  { digest, size, sha256, unpackedBytes, links, libraries }: StoredEnvironment,
  input: number,
): AgentEnvironment {
  return { folder: environmentPath({ lock: digest }), input, size, sha256, unpackedBytes, links, libraries };
}
