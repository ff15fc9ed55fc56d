/** How a cluster is reached and how Dais authenticates there: the result of reading a kubeconfig. */

export interface ClusterConfig {
  /** Its path is a prefix of all requests. */
  readonly server: URL;
  /** PEM. Absent: the authorities of Node. */
  readonly ca?: string;
  /** Name that the server's certificate must have. Absent: the host of `server`. */
  readonly serverName?: string;
  /** The server's certificate is not verified. */
  readonly isInsecure: boolean;
  /** URL of an HTTP proxy (CONNECT). */
  readonly proxy?: string;
  /** Namespace of the context. */
  readonly namespace: string;
  readonly credential: Credential;
}

export type Credential =
  | { readonly type: 'anonymous' }
  | { readonly type: 'certificate'; readonly certificate: ClientCertificate }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'token-file'; readonly path: string; readonly read: FileReader }
  | { readonly type: 'exec'; readonly plugin: ExecPlugin };

export interface ClientCertificate {
  /** PEM of the certificate, and of intermediate ones. */
  readonly cert: string;
  readonly key: string;
}

/** A program that returns credentials: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
export interface ExecPlugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly apiVersion: ExecApiVersion;
  /** Sent to the program as `spec.cluster` of KUBERNETES_EXEC_INFO; undefined without `provideClusterInfo`. */
  readonly clusterInfo: unknown;
  /** Shown when the program is not installed. */
  readonly installHint?: string;
}

export const EXEC_API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;
export type ExecApiVersion = (typeof EXEC_API_VERSIONS)[number];

/** Returns the text of a file. Relative paths of a kubeconfig are relative to its folder. */
export type FileReader = (path: string) => Promise<string>;

/** Creates the error for a configuration that cannot be used. `detail` contains no secret. */
export type FailConfig = (detail: string, cause?: unknown) => Error;
