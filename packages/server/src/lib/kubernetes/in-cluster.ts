/** The configuration of a pod: its service account, and the address that Kubernetes gives to each pod. */
import type { ClusterConfig, FailConfig, FileReader } from './cluster-config.ts';

/** Where Kubernetes mounts the service account of a pod. */
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface InClusterOptions {
  /** KUBERNETES_SERVICE_HOST */
  readonly host: string | undefined;
  /** KUBERNETES_SERVICE_PORT */
  readonly port: string | undefined;
  readonly readFile: FileReader;
  /** Default: where Kubernetes mounts the service account. */
  readonly folder?: string;
  readonly fail: FailConfig;
}

/** @throws the error of `fail` outside of a pod, and in a pod without a service account. */
export async function readInClusterConfig(options: InClusterOptions): Promise<ClusterConfig> {
  const { host, port, readFile, folder = FOLDER, fail } = options;
  const url = `https://${host?.includes(':') === true ? `[${host}]` : host}:${port}`;
  if (host === undefined || host === '' || !/^\d{1,5}$/.test(port ?? '') || !URL.canParse(url)) {
    const why = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT name no API server';
    throw fail(`This Dais does not run in a pod of Kubernetes: ${why}. Configure a kubeconfig.`);
  }
  const read = async (name: string) => {
    try {
      return (await readFile(`${folder}/${name}`)).trim();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      const remedy = 'Set `automountServiceAccountToken: true` for the pod of Dais.';
      throw fail(`The service account of this pod cannot be read: ${folder}/${name} (${code}). ${remedy}`, error);
    }
  };
  const ca = await read('ca.crt');
  return {
    server: new URL(url),
    ca,
    isInsecure: false,
    // Not mounted by hand-written volumes.
    namespace: await read('namespace').catch(() => 'default'),
    credential: { type: 'token-file', path: 'token', read: async (name) => await read(name) },
  };
}
