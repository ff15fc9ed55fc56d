/** The Open Inference Protocol, version 2, of KServe and Triton: over HTTP with its binary extension, and over gRPC. */
export { restProtocol } from './rest-door.ts';
export { grpcProtocol } from './rpc-door.ts';
