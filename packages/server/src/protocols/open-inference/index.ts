/** The Open Inference Protocol, version 2, which KServe and Triton speak: over HTTP with its binary extension, over gRPC. */
export { restDoor } from './rest-door.ts';
export { rpcDoor } from './rpc-door.ts';
