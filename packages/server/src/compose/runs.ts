/** The dependencies of jobs, pipelines and tracking; see compose.ts. */
import { DaisError } from '@dais/api';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type {
  ExecutionDependencies,
  ExecutionsLedger,
  StepCalls,
  TrackedRuns,
  AddressedFile,
  AddressIo,
} from '#ledgers/executions/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { ArtifactDependencies, TrackingLedger, TrackingDependencies } from '#ledgers/tracking/index.ts';
import { guardedHandler } from './data.ts';

/** Runs of commands, and what runs them. */
export async function loadExecutions({
  keys,
  urls,
  random,
  folderRoot,
  outbound,
  taskSuccessState,
  ...dependencies
}: Omit<ExecutionDependencies, 'secretValue' | 'calls' | 'tracked' | 'usage' | 'recentSteps' | 'readAddress'> & {
  readonly outbound: Outbound;
  /** Of Kubeflow pipelines. */
  readonly taskSuccessState: 'COMPLETE' | 'SUCCEEDED';
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
    { recordUsage, readRecentSteps },
  ] = await Promise.all([
    import('#ledgers/executions/index.ts'),
    import('#kinds/secret/index.ts'),
    import('#policy/identity/tokens/step-tokens.ts'),
    import('#protocols/mlflow/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#protocols/kfp/ir/index.ts'),
    import('#protocols/kfp/runtime/index.ts'),
    import('#ledgers/usage/index.ts'),
  ]);
  const pipelines = kfpCompiler({ now: () => dependencies.clock.now(), successState: taskSuccessState });
  const calls: StepCalls = {
    issue: async (tx, step) => await tokens.issueStepToken(tx, step, random),
    end: tokens.endStepTokens,
    keep: tokens.extendStepTokens,
    urls,
    clients: [mlflowStep],
  };
  const runs = stepRuns({ clock: dependencies.clock, random, options: await trackingOptions(folderRoot) });
  const tracked: TrackedRuns = {
    ...runs,
    begin: async (tx, { source, data, ...run }) => {
      const tags = mlflowStepTags(run.user, source);
      return await runs.begin(tx, { ...run, tags, datasets: data.map(mlflowDataset) });
    },
  };
  const secretValue: ExecutionDependencies['secretValue'] = async (tx, ref) => {
    const found = await findSecretValue(tx, tx.projectId, ref);
    return found === undefined ? undefined : async () => await openSecretValue(keys, found);
  };
  return ledger.open({
    ...dependencies,
    secretValue,
    readAddress: async (url, io) => await readAddress(outbound, url, io),
    calls,
    tracked,
    usage: recordUsage,
    recentSteps: readRecentSteps,
    compilers: new Map([[KFP_FORMAT, pipelines]]),
    dialects: new Map([[kfpDialect.name, kfpDialect]]),
  });
}

/** Files of runs and models. */
export async function loadArtifacts(dependencies: ArtifactDependencies): Promise<readonly OperationEntry[]> {
  return (await import('#ledgers/tracking/index.ts')).artifactEntries(dependencies);
}

/** The messages are those of MLflow clients. */
async function trackingOptions(folderRoot: string | undefined): Promise<TrackingDependencies['options']> {
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

/** Experiments, runs and their outputs. */
export async function loadTracking({
  folderRoot,
  ...dependencies
}: Omit<TrackingDependencies, 'options' | 'heldBy'> & {
  readonly folderRoot?: string | undefined;
}): Promise<TrackingLedger> {
  const { versionSources: heldBy } = await import('#ledgers/registry/index.ts');
  const options = await trackingOptions(folderRoot);
  return (await import('#ledgers/tracking/index.ts')).ledger.open({ ...dependencies, options, heldBy });
}

/** A large file can take hours; a minute without data ends it. */
const TIMEOUTS = { totalMs: 0, headersMs: 60_000, idleMs: 60_000 };

/** @throws DaisError as `Outbound`, for what is not there, and for what may not be read. */
export async function readAddress(outbound: Outbound, url: string, io: AddressIo): Promise<readonly AddressedFile[]> {
  if (/^s3:/i.test(url)) return await readBucket(outbound, url, io);
  const open = async () => {
    const { status, body } = await outbound.stream({ url, redirects: 5, timeouts: TIMEOUTS, signal: io.signal });
    if (status === 200) return body;
    body.on('error', () => {}).destroy();
    throw new DaisError('upstream_failed', `it responds with status ${status}`);
  };
  return [{ path: '', open }];
}

/**
 * Reads an object, or all objects with the prefix, with the variables of S3 clients. Without keys, the bucket must be
 * public.
 */
async function readBucket(
  outbound: Outbound,
  url: string,
  { variables, signal }: AddressIo,
): Promise<readonly AddressedFile[]> {
  const [, bucket, key = ''] = /^s3:\/\/([^/?#]+)\/*(.*?)\/*$/is.exec(url) ?? [];
  if (bucket === undefined || key === '' || /[*?]/.test(key)) {
    throw new DaisError(
      'invalid_request',
      'use the form `s3://BUCKET/KEY` with the key of an object or a prefix, without `*` and `?`',
    );
  }
  const { s3Bucket } = await import('#engines/sources/s3/s3-source.ts');
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  const { AWS_SESSION_TOKEN: sessionToken } = variables;
  const objects = s3Bucket({
    bucket,
    region: variables['AWS_REGION'] ?? variables['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    endpoint: variables['AWS_ENDPOINT_URL_S3'] ?? variables['AWS_ENDPOINT_URL'],
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    requestHandler: await guardedHandler(outbound),
  });
  const [object] = await objects.objects(key, signal);
  if (object !== undefined) return [{ path: '', open: async () => await objects.open(object, signal) }];
  const below = await objects.objects(`${key}/**`, signal);
  if (below.length === 0) throw new DaisError('not_found', `the bucket ${bucket} does not contain ${key}`);
  return below.map((one) => ({
    path: one.name.slice(key.length + 1),
    open: async () => await objects.open(one, signal),
  }));
}
