import type { ResolvedConfig } from '#config-load.ts';

/** Where people reach the server, without a slash at the end. */
export function publicUrl(config: ResolvedConfig, port: number): string {
  if (config.publicUrl !== undefined) return config.publicUrl.replace(/\/+$/, '');
  return localUrl(config, port);
}

/**
 * Returns the address of the server for a step that has the network of this machine, without a slash at the end: with TLS
 * by the name that its certificate is for.
 */
export function stepUrl(config: ResolvedConfig, port: number): string {
  if (config.tls !== undefined) return publicUrl(config, port);
  return ['0.0.0.0', '::'].includes(config.host) ? isolatedStepUrl(port) : localUrl(config, port);
}

/** Returns the same for an isolated step, on the loopback device of its own network. */
export function isolatedStepUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Where this machine's clients of gRPC reach the server. */
export function grpcAddress({ host }: ResolvedConfig, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Where this machine reaches the server, without a slash at the end. */
export function localUrl(config: ResolvedConfig, port: number): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return `${config.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}
