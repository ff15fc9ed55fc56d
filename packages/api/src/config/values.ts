/** Types of values that several sections of the configuration share. */
import { z } from 'zod';

/** Marks a value that is never printed: neither in logs nor by `dais config view`. */
export const secret = { 'x-secret': true } as const;

export const httpUrl = z.url({ protocol: /^https?$/ }).max(2048);
/** Relative paths in a file are relative to that file, others to the working folder. */
export const path = z.string().min(1).max(4096).meta({ 'x-path': true });
/** Not checked further: the system resolves it. */
export const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^\s/@]+$/, { message: 'a host name or address, without scheme, path or blanks' });
