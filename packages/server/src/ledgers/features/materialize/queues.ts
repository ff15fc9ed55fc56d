/** Names of the queues of this ledger. */
export const MATERIALIZE_QUEUE = 'features.materialize';
export const APPEND_QUEUE = 'features.append';
export const BUILD_QUEUE = 'features.build';
/** Of views that were deleted. */
export const DROP_QUEUE = 'features.drop';
