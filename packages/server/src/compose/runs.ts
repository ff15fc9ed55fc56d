/** The dependencies of jobs, pipelines and tracking; see compose.ts. */
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { ExecutionParts, ExecutionsLedger, StepCalls, TrackedRuns } from '#ledgers/executions/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { ArtifactParts, TrackingLedger, TrackingParts } from '#ledgers/tracking/index.ts';
import { readAddress } from './addresses.ts';

/** Runs of commands, and what runs them. */
export async function loadExecutions({
  keys,
  urls,
  random,
  folderRoot,
  outbound,
  ...parts
}: Omit<ExecutionParts, 'secretValue' | 'calls' | 'tracked' | 'readAddress'> & {
  readonly outbound: Outbound;
  readonly folderRoot?: string | undefined;
  readonly keys: KeyStore;
  readonly days: number;
  readonly urls: StepCalls['urls'];
  readonly random: (bytes: number) => Buffer;
}): Promise<ExecutionsLedger> {
  const [
    { ledger },
    { findSecretValue, openSecretValue },
    tokens,
    { mlflowDataset, mlflowStep, mlflowStepTags },
    { stepRuns },
    { KFP_FORMAT, kfpCompiler },
    { kfpDialect },
  ] = await Promise.all([
    import('#ledgers/executions/index.ts'),
    import('#kinds/secret/index.ts'),
    import('#policy/identity/step-tokens.ts'),
    import('#protocols/mlflow/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#protocols/kfp/ir/index.ts'),
    import('#protocols/kfp/runtime/index.ts'),
  ]);
  const pipelines = kfpCompiler({ now: () => parts.clock.now() });
  const calls: StepCalls = {
    issue: async (tx, step) => await tokens.issueStepToken(tx, step, random),
    end: tokens.endStepTokens,
    keep: tokens.keepStepTokens,
    urls,
    clients: [mlflowStep],
  };
  const runs = stepRuns({ clock: parts.clock, random, options: await trackingOptions(folderRoot) });
  const tracked: TrackedRuns = {
    ...runs,
    begin: async (tx, { source, data, ...run }) => {
      const tags = mlflowStepTags(run.user, source);
      return await runs.begin(tx, { ...run, tags, datasets: data.map(mlflowDataset) });
    },
  };
  const secretValue: ExecutionParts['secretValue'] = async (tx, ref) => {
    const found = await findSecretValue(tx, tx.projectId, ref);
    return found === undefined ? undefined : async () => await openSecretValue(keys, found);
  };
  return ledger.open({
    ...parts,
    secretValue,
    readAddress: async (url, io) => await readAddress(outbound, url, io),
    calls,
    tracked,
    compilers: new Map([[KFP_FORMAT, pipelines]]),
    dialects: new Map([[kfpDialect.name, kfpDialect]]),
  });
}

/** Files of runs and models. */
export async function loadArtifacts(parts: ArtifactParts): Promise<readonly OperationEntry[]> {
  return (await import('#ledgers/tracking/index.ts')).artifactEntries(parts);
}

/** The words are those of the clients that write there. */
async function trackingOptions(folderRoot: string | undefined): Promise<TrackingParts['options']> {
  return {
    artifactRoot: 'mlflow-artifacts:',
    folderRoot,
    nameTag: 'mlflow.runName',
    contextTag: 'mlflow.data.context',
    originTags: {
      parent: 'mlflow.parentRunId',
      commit: 'mlflow.source.git.commit',
      repository: 'mlflow.source.git.repoURL',
      entryPoint: 'mlflow.source.name',
    },
    traces: (await import('#protocols/otlp/index.ts')).spanWords,
  };
}

/** Experiments, runs and what runs leave behind. */
export async function loadTracking({
  folderRoot,
  ...parts
}: Omit<TrackingParts, 'options' | 'heldBy'> & { readonly folderRoot?: string | undefined }): Promise<TrackingLedger> {
  const { heldSources: heldBy } = await import('#ledgers/registry/index.ts');
  const options = await trackingOptions(folderRoot);
  return (await import('#ledgers/tracking/index.ts')).ledger.open({ ...parts, options, heldBy });
}
