import type { FastifyRequest } from 'fastify';

export interface ServerAddress {
  readonly origin: string | undefined;
  readonly basePath: string;
}

/** A path of this server as an address that the client of this request reaches; what is an address already stays so. */
export function absolute(path: string, request: FastifyRequest, address: ServerAddress): string {
  if (!path.startsWith('/')) return path;
  const origin = address.origin ?? `${request.protocol}://${request.host}`;
  return `${origin}${address.basePath}${path}`;
}
