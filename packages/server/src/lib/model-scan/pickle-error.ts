/** Why a pickle cannot be scanned completely, as the end of the sentence "it cannot be scanned: …". */
export class PickleError extends Error {}

/** Python also ends there with an error: nothing after it is executed. */
export class PickleEnd extends PickleError {}
