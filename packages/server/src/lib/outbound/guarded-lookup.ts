import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import type { AddressGuard } from './address-guard.ts';

/** `dns.lookup` with the guard: the connection can only use addresses that were checked. */
export function guardedLookup(guard: AddressGuard, port: number): LookupFunction {
  const check = callbackify(async (hostname: string) => await guard.check(hostname, port));
  return (hostname, options, callback) => {
    check(hostname, (error, addresses) => {
      // A refusal is passed as an error; callbackify passes null otherwise.
      if (error !== null) return callback(error, '');
      const family = options.family === 4 || options.family === 6 ? options.family : undefined;
      const fitting = addresses.filter((one) => family === undefined || one.family === family);
      const [first] = fitting;
      if (options.all === true) return callback(null, fitting);
      if (first !== undefined) return callback(null, first.address, first.family);
      return callback(Object.assign(new Error('no address of this family'), { code: 'ENOTFOUND' }), '');
    });
  };
}
