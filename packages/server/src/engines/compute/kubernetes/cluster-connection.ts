/** How Dais reaches a cluster, and how its pods reach Dais. */
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { DaisError } from '@dais/api/errors';
import { readInClusterConfig } from '#lib/kubernetes/in-cluster.ts';
import { readKubeconfig } from '#lib/kubernetes/kubeconfig.ts';
import type { NetworkPeer } from './plan/target-options.ts';
import type { ClusterConnection } from './target-connection.ts';

export interface ConnectionRequest {
  /** Name of the target, for messages. */
  readonly target: string;
  /** Absent: the cluster in which this process runs. */
  readonly kubeconfig: (() => Promise<string>) | undefined;
  readonly context: string | undefined;
  /** Credential programs that the kubeconfig may start. */
  readonly programs: readonly string[];
  /** KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, with the kubeconfig absent. */
  readonly service: { readonly host: string | undefined; readonly port: string | undefined };
}

/** @throws DaisError `target_unavailable` that names the entry to change */
export async function clusterConnection(request: ConnectionRequest): Promise<ClusterConnection> {
  const { target, kubeconfig, context, programs, service } = request;
  const fail = (detail: string, cause?: unknown) =>
    new DaisError('target_unavailable', `The cluster of the target "${target}" cannot be used: ${detail}`, { cause });
  if (kubeconfig === undefined) {
    const read = async (path: string) => await readFile(path, 'utf8');
    const config = await readInClusterConfig({ ...service, readFile: read, fail });
    return { source: `in-cluster ${config.server.href} ${sourceDigest(config.ca ?? '')}`, config };
  }
  const text = await kubeconfig();
  const exec = programs.length === 0 ? {} : { exec: { commands: programs } };
  const config = await readKubeconfig(text, { fail, ...exec, ...(context !== undefined && { context }) });
  return { source: sourceDigest(text), config };
}

/** Returns a short text that differs when the configuration differs, and contains none of it. */
function sourceDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface AgentPeersRequest {
  /** Of Dais, as the pods use it. */
  readonly url: string;
  /** Dais runs in the same cluster. */
  readonly isInside: boolean;
  /** On which Dais listens. */
  readonly port: number;
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Returns the destinations of the agents for network policies. @throws DaisError `target_unavailable` for an unknown host name */
export async function agentPeers({ url, isInside, port }: AgentPeersRequest): Promise<readonly NetworkPeer[]> {
  const { hostname, port: urlPort, protocol } = new URL(url);
  // The address of a Service is replaced by that of a pod before policies apply.
  if (isInside && /^[a-z0-9.-]+$/.test(hostname) && isClusterName(hostname)) {
    const namespace = (await readFile(NAMESPACE_FILE, 'utf8').catch(() => 'default')).trim();
    return [{ namespaceLabels: { 'kubernetes.io/metadata.name': namespace }, ports: [port] }];
  }
  const ports = [urlPort === '' ? (protocol === 'https:' ? 443 : 80) : Number(urlPort)];
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await addressesOf(host) : [host];
  return addresses.map((address) => ({ cidr: `${address}/${isIP(address) === 6 ? 128 : 32}`, ports }));
}

/** `dais`, `dais.ml`, `dais.ml.svc`, `dais.ml.svc.cluster.local` */
function isClusterName(host: string): boolean {
  return isIP(host) === 0 && (host.split('.').length <= 2 || /\.svc(?:\.|$)/.test(host));
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new DaisError(
      'target_unavailable',
      `The host name ${host} of \`spec.agent.url\` is unknown to the server. Correct it, or name the destinations in \`spec.agent.peers\`.`,
      { cause: error },
    );
  }
}
