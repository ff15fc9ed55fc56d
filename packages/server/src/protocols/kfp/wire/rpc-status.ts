/** Errors in the format of the protocol: `google.rpc.Status` as JSON. */
export type RpcCode =
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED';

/** Number and HTTP status of each code. */
const CODES: Readonly<Record<RpcCode, readonly [number: number, status: number]>> = {
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  ALREADY_EXISTS: [6, 409],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  ABORTED: [10, 409],
  UNIMPLEMENTED: [12, 501],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
};

export function rpcNumber(code: RpcCode): number {
  return CODES[code][0];
}

export class RpcError extends Error {
  readonly code: RpcCode;
  readonly status: number;
  /** The error code of Dais, for programs. */
  readonly reason: string | undefined;

  constructor(
    code: RpcCode,
    message: string,
    options: { readonly status?: number; readonly reason?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RpcError';
    this.code = code;
    this.status = options.status ?? CODES[code][1];
    this.reason = options.reason;
  }

  body(): object {
    const details =
      this.reason === undefined
        ? []
        : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: this.reason, domain: 'dais.dev' }];
    return { code: rpcNumber(this.code), message: this.message, details };
  }
}

export function invalid(message: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', message);
}
