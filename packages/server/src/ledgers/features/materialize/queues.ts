/** Names of job queues of this ledger. */
export const MATERIALIZE_QUEUE = 'features.materialize';
export const APPEND_QUEUE = 'features.append';
export const BUILD_QUEUE = 'features.build';
/** Cleanup of deleted views. */
export const DROP_QUEUE = 'features.drop';
