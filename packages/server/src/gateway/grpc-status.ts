import type { DaisError } from '@dais/api';

/** Status codes of gRPC: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const byStatus: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  // The client disconnected, or its body was truncated.
  408: 1,
  409: 9,
  413: 3,
  415: 3,
  422: 3,
  429: 8,
  500: 13,
  502: 14,
  503: 14,
  504: 4,
  507: 8,
};

const UNKNOWN = 2;

/** Maps the HTTP status of each error code. */
export function grpcStatusOf(error: DaisError): number {
  return byStatus[error.status] ?? UNKNOWN;
}
