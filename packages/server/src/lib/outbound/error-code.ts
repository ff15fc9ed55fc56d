/**
 * What can go wrong with a call to another server:
 *
 * - `address_refused`: the address may not be called; trying again does not help.
 * - `upstream_failed`: the other side cannot be reached or did not answer as it should; it may later.
 * - `invalid_config`: a list of hosts, a proxy or a certificate in the configuration cannot be read.
 */
export type OutboundErrorCode = 'address_refused' | 'upstream_failed' | 'invalid_config';

/** Creates the error. `detail` never contains a path, a query, a header or credentials, which can be secrets. */
export type Fail = (code: OutboundErrorCode, detail: string, cause?: unknown) => Error;
