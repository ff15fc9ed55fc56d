import type { CallContext } from '#kernel/context.ts';

/** A group of gRPC methods with one owner: one protocol adapter. */
export interface GrpcService {
  readonly name: string;
  /** The kind of client: `metadata.origin` of what it creates. */
  readonly origin: string;
  /** By path: `/package.Service/Method`. All are unary. */
  readonly methods: Readonly<Record<string, GrpcMethod>>;
  /** Converts an error to the format of the protocol. Undefined: an internal error. */
  toStatus(error: unknown): GrpcStatus | undefined;
}

export interface GrpcMethod {
  /** Name of the called operation; label of its metrics. */
  readonly operation: string;
  /** The response does not come from an operation, so the credential is checked before. */
  readonly undispatched?: true;
  /** @throws errors that `toStatus` converts. */
  answer(request: Buffer, context: CallContext): Promise<Uint8Array>;
}

export interface GrpcStatus {
  /** Status code: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly code: number;
  readonly details: string;
}
