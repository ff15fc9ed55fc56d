/**
 * A protocol adapter of the gateway: the paths that it owns, how to decode bytes into tensors and encode tensors, and
 * its error format. An adapter has no access to sockets, queues or tokens; the gateway has no protocol code.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { DaisError } from '@dais/api';
import type { Tensor, TensorSpec } from './tensors/tensors.ts';

export interface ServingCall {
  readonly method: string;
  /** Path as sent, without `/p/<project>` and query. */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
}

export interface ServingReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Description of a model for an adapter. */
export interface ServedDescription {
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** Version of the model of the chosen variant. */
  readonly version: string;
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** The signature of its MLmodel file, as parsed JSON. */
  readonly signature: unknown;
  /** Whether inputs are checked against that signature. */
  readonly enforce: boolean;
}

/** A decoded request. */
export interface InferRequest {
  readonly inputs: readonly Tensor[];
  /** Requested outputs; undefined: all. */
  readonly outputs?: readonly string[] | undefined;
  /** Parameters for the model. */
  readonly parameters?: Parameters | undefined;
}

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/**
 * A request that is parsed as far as possible without the model: the choice of the variant may depend on its content.
 */
export interface OpenedRequest<Reply> {
  /** Request ID of the caller. */
  readonly id: string | undefined;
  readonly parameters: Parameters | undefined;
  /** Timeout of the caller, in microseconds. */
  readonly timeoutMicros: number | undefined;
  /** Throws `invalid_request`. Called once, with the description of the chosen model. */
  decode(described: ServedDescription): InferRequest | Promise<InferRequest>;
  encode(answer: InferResponse): Reply;
  /** Releases the request if it will not be decoded. */
  close?(): void;
}

export interface InferResponse {
  readonly outputs: readonly Tensor[];
  readonly described: ServedDescription;
  readonly variant: string;
  readonly predictionId: string;
}

/** The endpoint that a path refers to. `version`: a model version, an alias or the name of a variant. */
export interface EndpointAddress {
  readonly endpoint: string;
  readonly version?: string | undefined;
}

/** A route for predictions. */
export interface InferRoute extends EndpointAddress {
  readonly kind: 'infer';
  readonly operation: string;
  /** Offset of binary tensors in the body, from its headers: they are stored so that no copy is needed. */
  binaryAt?(headers: ServingCall['headers']): number;
  /**
   * Throws `invalid_request` and similar errors. The body is decompressed and belongs to the adapter until the
   * response; the memory of a body above 1 MiB may be transferred to a thread.
   */
  open(body: Buffer, call: ServingCall): OpenedRequest<ServingReply> | Promise<OpenedRequest<ServingReply>>;
}

/** A route that describes what is served. */
export interface MetadataRoute {
  readonly kind: 'answer';
  readonly operation: string;
  /** No token is required, because it reveals no endpoint. */
  readonly open?: true;
  answer(served: ServedView, body: Buffer, call: ServingCall): ServingReply | Promise<ServingReply>;
}

export type ServingRoute = InferRoute | MetadataRoute;

export interface ServingProtocol {
  readonly name: string;
  /**
   * Undefined: not a path of this protocol. Called for every request: check a prefix before any `RegExp` over the whole
   * path.
   */
  match(method: string, path: string): ServingRoute | undefined;
  /** `status`: the HTTP status of the error code. */
  formatError(error: DaisError, call: ServingCall): ServingReply;
}

/** The part of the served state that one caller may see. */
export interface ServedView {
  readonly server: { readonly name: string; readonly version: string };
  readonly ready: boolean;
  endpoints(): readonly ServedEndpointView[];
  /**
   * Returns all its variants. Throws `not_found` for an endpoint that does not exist or that the caller may not invoke.
   */
  endpoint(address: Pick<EndpointAddress, 'endpoint'>): ServedEndpointView;
}

export interface ServedEndpointView {
  readonly name: string;
  readonly project: string;
  /** Model versions of its variants. */
  readonly versions: readonly string[];
  readonly variants: readonly ServedVariantView[];
}

export interface ServedVariantView {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  readonly state: 'ready' | 'idle' | 'loading' | 'failed' | 'quarantined';
  /** The reason why it is not ready. */
  readonly reason: string | undefined;
  /** Loads the model if necessary. Throws `model_unavailable`. */
  describe(): Promise<ServedDescription>;
  /** Throws `invalid_request` for input that cannot be explained. Explained predictions are not captured. */
  explain(request: ExplainRequest): Promise<Explanation>;
  readonly counts: VariantCounts;
}

/** `tree_shap`: interventional, exact; `exact`: all coalitions; `sampled_shapley`: antithetic pairs of random orders. */
export type ExplainMethod = 'tree_shap' | 'exact' | 'sampled_shapley';

export interface ExplainRequest {
  /** At most 64 rows. */
  readonly inputs: readonly Tensor[];
  /** Background rows; default: the input example of the model. */
  readonly background?: readonly Tensor[] | undefined;
  /** Most rows of the input example to use. */
  readonly mostBackground?: number | undefined;
  readonly method: ExplainMethod | 'auto';
  /** Default: the first floating-point output. */
  readonly output?: string | undefined;
  /** Index in a row of the output; default: the largest value. */
  readonly outputIndex?: number | undefined;
  /** Pairs of permutations. */
  readonly pairs?: number | undefined;
  readonly seed?: number | undefined;
}

/** For every row: the attributions add up to `instances` - `baselines`. */
export interface Explanation {
  readonly method: ExplainMethod;
  readonly features: readonly string[];
  /** Number of background rows. */
  readonly background: number;
  readonly seed: number | undefined;
  /** `margin`: the sum of the trees before the transformation to a probability. */
  readonly scale: 'margin' | 'output';
  /** Rows × features. */
  readonly attributions: Float64Array;
  readonly baselines: Float64Array;
  readonly instances: Float64Array;
  /** Relative standard errors; 0: exact. */
  readonly errors: Float64Array;
  /** Index of the explained output of each row. */
  readonly outputs: Int32Array;
}

export interface VariantCounts {
  readonly requests: number;
  readonly failures: number;
  readonly rows: number;
  readonly runs: number;
  readonly queueMicros: number;
  readonly runMicros: number;
  readonly lastAt: number;
  /** Runs by number of rows. */
  readonly batches: ReadonlyMap<number, { readonly runs: number; readonly micros: number }>;
}

/** A gRPC protocol adapter: the same, with messages instead of bytes. */
export interface ServingGrpcProtocol {
  readonly name: string;
  /** By path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, GrpcRoute>>;
}

export type GrpcRoute = GrpcInferRoute | GrpcMetadataRoute;

export interface GrpcInferRoute {
  readonly kind: 'infer';
  readonly operation: string;
  /** A bidirectional stream whose messages are processed independently; errors are messages too. */
  readonly stream?: {
    readonly answer: (sent: Uint8Array) => Uint8Array;
    readonly formatError: (text: string) => Uint8Array;
  };
  open(message: Buffer): { readonly address: EndpointAddress; readonly opened: OpenedRequest<Uint8Array> };
}

export interface GrpcMetadataRoute {
  readonly kind: 'answer';
  readonly operation: string;
  readonly open?: true;
  answer(served: ServedView, message: Buffer): Uint8Array | Promise<Uint8Array>;
}
