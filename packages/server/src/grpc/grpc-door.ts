import type { CallContext } from '#kernel/context.ts';

/** A group of methods with one owner: one foreign protocol that is spoken over gRPC. */
export interface GrpcDoor {
  readonly name: string;
  /** Which kind of client speaks through this door: `metadata.origin` of what it makes. */
  readonly origin: string;
  /** By path, as they come: `/package.Service/Method`. All of them answer one message with one message. */
  readonly methods: Readonly<Record<string, GrpcMethod>>;
  /** A failure in the protocol's own words. Undefined: a mistake of ours, told as such. */
  tell(error: unknown): GrpcStatus | undefined;
}

export interface GrpcMethod {
  /** Name of the operation that it is about; label of its metrics. */
  readonly operation: string;
  /** Its answer is no operation's, so that whether a credential still holds is looked at before. */
  readonly undispatched?: true;
  /** @throws what `tell` knows. */
  answer(request: Buffer, context: CallContext): Promise<Uint8Array>;
}

export interface GrpcStatus {
  /** Number of the status: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly code: number;
  readonly details: string;
}
