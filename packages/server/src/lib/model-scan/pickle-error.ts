/** Why a pickle cannot be followed to its end, in words that complete "it cannot be followed: …". */
export class PickleError extends Error {}

/** Python, too, ends there with an error: nothing behind it is executed. */
export class PickleEnd extends PickleError {}
