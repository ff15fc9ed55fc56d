/** The Open Inference Protocol, version 2, of KServe and Triton: over HTTP with its binary extension, and over gRPC. */
export { restProtocol } from './rest-protocol.ts';
export { grpcProtocol } from './grpc-protocol.ts';
