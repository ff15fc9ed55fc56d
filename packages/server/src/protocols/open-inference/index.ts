/** The Open Inference Protocol, version 2, of KServe and Triton: over HTTP with its binary extension, and over gRPC. */
export { restDoor } from './rest-door.ts';
export { rpcDoor } from './rpc-door.ts';
