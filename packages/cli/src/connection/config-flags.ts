/** Options of `up`, `doctor`, `admin` and `config` as fields of the configuration. */

export interface ConfigOptions {
  readonly data?: string;
  readonly config?: string;
  readonly databaseUrl?: string;
}

export interface UpFlagOptions extends ConfigOptions {
  readonly host?: string;
  readonly port?: number;
  readonly role?: string;
  readonly postgresBin?: string;
  readonly publicUrl?: string;
  readonly allowHost?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly accounts?: true;
  readonly insecureHttp?: true;
  readonly logFormat?: string;
}

export function configFlags(
  options: UpFlagOptions,
): Record<string, string | number | boolean | readonly string[] | undefined> {
  return {
    data: options.data,
    host: options.host,
    port: options.port,
    role: options.role,
    publicUrl: options.publicUrl,
    allowHosts: options.allowHost,
    'database.url': options.databaseUrl,
    'database.postgresBin': options.postgresBin,
    'tls.cert': options.tlsCert,
    'tls.key': options.tlsKey,
    'authentication.mode': options.accounts === true ? 'accounts' : undefined,
    insecureHttp: options.insecureHttp,
    'log.format': options.logFormat,
  };
}
