import type { ResolvedConfig } from './config-load.ts';

/** Where people reach the server, without a slash at the end. */
export function publicUrl(config: ResolvedConfig, port: number): string {
  if (config.publicUrl !== undefined) return config.publicUrl.replace(/\/+$/, '');
  return localUrl(config, port);
}

/** Where this machine reaches the server, without a slash at the end. */
export function localUrl(config: ResolvedConfig, port: number): string {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return `${config.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}
