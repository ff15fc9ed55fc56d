/** The Feast protocol: the registry over gRPC, the feature server over HTTP. Decodes, calls an operation, encodes. */
export type { FeastDependencies } from './feast-calls.ts';
export { feastRegistry } from './registry/registry-methods.ts';
export { feastDoor } from './serving/feature-server.ts';
