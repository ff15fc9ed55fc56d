/** The protocol of Feast's clients: the registry over gRPC, the feature server over HTTP. Decode, call an operation, encode. */
export type { FeastParts } from './feast-calls.ts';
export { feastRegistry } from './registry/registry-door.ts';
export { feastDoor } from './serving/serving-door.ts';
