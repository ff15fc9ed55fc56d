/** Metadata of servers and models of the protocol, as plain objects: encoded as JSON for HTTP, as messages for gRPC. */
import type { ServedEndpointView, ServedVariantView, ServedView, TensorSpec } from '#gateway/index.ts';

/** Supported extensions of the protocol. */
export const EXTENSIONS = [
  'binary_tensor_data',
  'model_repository',
  'statistics',
  'parameters',
  'classification',
  'explain',
] as const;

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorText[];
  readonly outputs: readonly TensorText[];
}

export interface TensorText {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  readonly reason: string;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: {
    readonly success: Duration;
    readonly fail: Duration;
    readonly queue: Duration;
    readonly compute_infer: Duration;
  };
  readonly batch_stats: readonly { readonly batch_size: number; readonly compute_infer: Duration }[];
}

export interface Duration {
  readonly count: number;
  readonly ns: number;
}

/** Returns the variant of a version; without a version, the one with most traffic is the first. */
export function variantOf(endpoint: ServedEndpointView, version: string | undefined): ServedVariantView | undefined {
  const { variants } = endpoint;
  if (version === undefined || version === '') return variants[0];
  return (
    variants.find((variant) => variant.version === version) ??
    variants.find(({ aliases }) => aliases.includes(version)) ??
    variants.find(({ name }) => name === version)
  );
}

export async function modelMetadata(endpoint: ServedEndpointView, variant: ServedVariantView): Promise<ModelMetadata> {
  const { platform, inputs, outputs } = await variant.describe();
  return {
    name: endpoint.name,
    versions: endpoint.versions,
    platform,
    inputs: inputs.map(tensorText),
    outputs: outputs.map(tensorText),
  };
}

/** A model that is scaled to zero is ready: the next request starts it. */
export function isReady({ state }: ServedVariantView): boolean {
  return state === 'ready' || state === 'idle';
}

export function repositoryIndex(served: ServedView, onlyReady: boolean): IndexEntry[] {
  return served
    .endpoints()
    .flatMap(({ name, variants }) =>
      variants.map((variant): IndexEntry => {
        const state = isReady(variant) ? 'READY' : variant.state === 'loading' ? 'LOADING' : 'UNAVAILABLE';
        return { name, version: variant.version, state, reason: variant.reason ?? '' };
      }),
    )
    .filter(({ state }) => !onlyReady || state === 'READY');
}

export function modelStatistics({ name }: ServedEndpointView, { version, counts }: ServedVariantView): ModelStatistics {
  const good = counts.requests - counts.failures;
  const ns = (micros: number) => Math.round(micros * 1000);
  const spent = ns(counts.queueMicros + counts.runMicros);
  return {
    name,
    version,
    last_inference: counts.lastAt,
    inference_count: counts.rows,
    execution_count: counts.runs,
    inference_stats: {
      success: { count: good, ns: spent },
      fail: { count: counts.failures, ns: 0 },
      queue: { count: counts.requests, ns: ns(counts.queueMicros) },
      compute_infer: { count: counts.runs, ns: ns(counts.runMicros) },
    },
    batch_stats: [...counts.batches]
      .toSorted(([a], [b]) => a - b)
      .map(([size, { runs, micros }]) => ({ batch_size: size, compute_infer: { count: runs, ns: ns(micros) } })),
  };
}

function tensorText({ name, datatype, shape }: TensorSpec): TensorText {
  return { name, datatype, shape };
}
