/**
 * A protocol as the gateway sees it: which addresses it owns, how bytes become tensors and tensors bytes again, and how it
 * tells a mistake. A door knows no socket, no queue and no token; the gateway knows no protocol.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { DaisError } from '@dais/api';
import type { Tensor, TensorSpec } from './tensors.ts';

export interface ServingCall {
  readonly method: string;
  /** Without `/p/<project>` and query, as it was sent. */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
}

export interface ServingReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** What of a model a door has to know. */
export interface ServedDescription {
  /** Name of the endpoint. */
  readonly endpoint: string;
  /** Of the model behind the chosen variant. */
  readonly version: string;
  readonly platform: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** The signature of its MLmodel file, as parsed JSON. */
  readonly signature: unknown;
  /** Whether inputs are held against that signature. */
  readonly enforce: boolean;
}

/** A request in tensors. */
export interface InferRequest {
  readonly inputs: readonly Tensor[];
  /** Names wanted; all without it. */
  readonly outputs?: readonly string[] | undefined;
  /** What is passed on to the model. */
  readonly parameters?: Parameters | undefined;
}

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** A request that was read as far as no model is needed for it: which one answers may hang on what it says. */
export interface OpenedRequest<Reply> {
  /** The caller's own. */
  readonly id: string | undefined;
  readonly parameters: Parameters | undefined;
  /** What the caller allows, in microseconds. */
  readonly timeoutMicros: number | undefined;
  /** Throws `invalid_request`. Called once, with the model that answers. */
  decode(described: ServedDescription): InferRequest | Promise<InferRequest>;
  encode(answer: InferAnswer): Reply;
  /** Nobody will decode it any more. */
  close?(): void;
}

export interface InferAnswer {
  readonly outputs: readonly Tensor[];
  readonly described: ServedDescription;
  readonly variant: string;
  readonly predictionId: string;
}

/** Which endpoint an address means. `version` is a version of its model, an alias or the name of a variant. */
export interface EndpointAddress {
  readonly endpoint: string;
  readonly version?: string | undefined;
}

/** An address of predictions. */
export interface InferMatch extends EndpointAddress {
  readonly kind: 'infer';
  readonly operation: string;
  /** Where in the body tensors begin as bytes, by its headers: they are laid where they need not be copied. */
  binaryAt?(headers: ServingCall['headers']): number;
  /**
   * Throws `invalid_request` and its like. The body is no longer compressed, and is the door's until the request is answered; the
   * memory of one above 1 MiB may be handed to a thread.
   */
  open(body: Buffer, call: ServingCall): OpenedRequest<ServingReply> | Promise<OpenedRequest<ServingReply>>;
}

/** An address that tells of what is served. */
export interface AnswerMatch {
  readonly kind: 'answer';
  readonly operation: string;
  /** Whoever asks for it needs no token: it says nothing of any endpoint. */
  readonly open?: true;
  answer(served: ServedView, body: Buffer, call: ServingCall): ServingReply | Promise<ServingReply>;
}

export type DoorMatch = InferMatch | AnswerMatch;

export interface ServingDoor {
  readonly name: string;
  /** Undefined: an address of another. Called for every request: no `RegExp` over the whole path where a prefix decides. */
  match(method: string, path: string): DoorMatch | undefined;
  /** `status` is the one that the error has by the catalogue. */
  fault(error: DaisError, call: ServingCall): ServingReply;
}

/** What one caller may see of what is served. */
export interface ServedView {
  readonly server: { readonly name: string; readonly version: string };
  readonly ready: boolean;
  endpoints(): readonly ServedEndpointView[];
  /** All variants of it. Throws `not_found` for one that is not there or that the caller may not call. */
  endpoint(address: Pick<EndpointAddress, 'endpoint'>): ServedEndpointView;
}

export interface ServedEndpointView {
  readonly name: string;
  readonly project: string;
  /** Of the models behind its variants. */
  readonly versions: readonly string[];
  readonly variants: readonly ServedVariantView[];
}

export interface ServedVariantView {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  readonly state: 'ready' | 'idle' | 'loading' | 'failed' | 'quarantined';
  /** Why it is not ready. */
  readonly reason: string | undefined;
  /** Loads the model if nobody has yet. Throws `model_unavailable`. */
  describe(): Promise<ServedDescription>;
  /** Throws `invalid_request` for what cannot be explained. Explained predictions are not captured. */
  explain(request: ExplainRequest): Promise<Explanation>;
  readonly counts: VariantCounts;
}

/** `tree_shap`: interventional, exact; `exact`: all coalitions; `sampled_shapley`: antithetic pairs of random orders. */
export type ExplainMethod = 'tree_shap' | 'exact' | 'sampled_shapley';

export interface ExplainRequest {
  /** At most 64 rows. */
  readonly inputs: readonly Tensor[];
  /** Rows to compare with; default the model's input example. */
  readonly background?: readonly Tensor[] | undefined;
  /** Of the input example at most so many rows. */
  readonly mostBackground?: number | undefined;
  readonly method: ExplainMethod | 'auto';
  /** Default the first of fractions. */
  readonly output?: string | undefined;
  /** Which number of a row of it; default the largest. */
  readonly outputIndex?: number | undefined;
  /** Pairs of orders. */
  readonly pairs?: number | undefined;
  readonly seed?: number | undefined;
}

/** Of every row: the attributions add up to `instances` - `baselines`. */
export interface Explanation {
  readonly method: ExplainMethod;
  readonly features: readonly string[];
  /** How many rows were compared with. */
  readonly background: number;
  readonly seed: number | undefined;
  /** `margin`: the sum of the trees before it becomes a probability. */
  readonly scale: 'margin' | 'output';
  /** Rows × features. */
  readonly attributions: Float64Array;
  readonly baselines: Float64Array;
  readonly instances: Float64Array;
  /** Relative standard errors; 0: exact. */
  readonly errors: Float64Array;
  /** Which number of the output each row's explanation is of. */
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
  /** Runs by how many rows each had. */
  readonly batches: ReadonlyMap<number, { readonly runs: number; readonly micros: number }>;
}

/** A protocol over gRPC: the same, with messages for bytes. */
export interface ServingRpc {
  readonly name: string;
  /** By path: `/package.Service/Method`. */
  readonly methods: Readonly<Record<string, RpcMethod>>;
}

export type RpcMethod = RpcInfer | RpcAnswer;

export interface RpcInfer {
  readonly kind: 'infer';
  readonly operation: string;
  /** Messages both ways on one stream, each answered for itself; mistakes are answers too. */
  readonly stream?: { readonly answer: (sent: Uint8Array) => Uint8Array; readonly fault: (text: string) => Uint8Array };
  open(message: Buffer): { readonly address: EndpointAddress; readonly opened: OpenedRequest<Uint8Array> };
}

export interface RpcAnswer {
  readonly kind: 'answer';
  readonly operation: string;
  readonly open?: true;
  answer(served: ServedView, message: Buffer): Uint8Array | Promise<Uint8Array>;
}
