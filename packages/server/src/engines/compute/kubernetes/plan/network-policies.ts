/**
 * Plans the network policies of a project. Everything is forbidden in both directions, and each policy after the first one
 * permits one kind of connection. Both containers of a pod share one network, so what the agent may reach, the task may reach.
 */
import { LABELS } from './names.ts';
import type { NetworkPeer } from './target-options.ts';

export interface NetworkOptions {
  /** Where the agents reach Dais. */
  readonly dais: readonly NetworkPeer[];
  /** Of targets with direct transfer. */
  readonly objectStore: readonly NetworkPeer[];
  /** Default: all pods of `kube-system`, and the address of NodeLocal DNSCache. */
  readonly dns?: readonly NetworkPeer[];
}

const DNS_PORT = 53;
const DEFAULT_DNS: readonly NetworkPeer[] = [
  { namespaceLabels: { 'kubernetes.io/metadata.name': 'kube-system' }, ports: [DNS_PORT] },
  { cidr: '169.254.20.10/32', ports: [DNS_PORT] },
];

/**
 * Everything that is not on the public internet. It contains the metadata services of clouds: 169.254.169.254, 100.100.100.200,
 * 168.63.129.16 and fd00:ec2::254.
 */
const INTERNET = [
  {
    cidr: '0.0.0.0/0',
    except: [
      '0.0.0.0/8',
      '10.0.0.0/8',
      '100.64.0.0/10',
      '127.0.0.0/8',
      '168.63.129.16/32',
      '169.254.0.0/16',
      '172.16.0.0/12',
      '192.0.0.0/24',
      '192.168.0.0/16',
      '198.18.0.0/15',
      '224.0.0.0/4',
      '240.0.0.0/4',
    ],
  },
  // Addresses that contain one of IPv4 lead to private ones as well: NAT64, 6to4 and Teredo.
  { cidr: '2000::/3', except: ['2001::/32', '2002::/16'] },
];

export function planNetworkPolicies(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  { dais, objectStore, dns = DEFAULT_DNS }: NetworkOptions,
) {
  const policy = (name: string, matchLabels: Readonly<Record<string, string>>, egress: readonly EgressRule[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, labels },
    spec: { podSelector: { matchLabels }, policyTypes: ['Egress'], egress },
  });
  const tasks = { [LABELS.installation]: labels[LABELS.installation] ?? '' };
  return [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'dais-deny-all', namespace, labels },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    },
    policy('dais-agent', tasks, [
      ...dns.map((peer) => egressRule(peer, ['UDP', 'TCP'])),
      ...dais.map((peer) => egressRule(peer, ['TCP'])),
    ]),
    ...(objectStore.length === 0
      ? []
      : [
          policy(
            'dais-object-store',
            { ...tasks, [LABELS.transfer]: 'direct' },
            objectStore.map((peer) => egressRule(peer, ['TCP'])),
          ),
        ]),
    policy('dais-internet', { ...tasks, [LABELS.network]: 'true' }, [
      { to: INTERNET.map((ipBlock) => ({ ipBlock })), ports: [{ protocol: 'TCP', port: 443 }] },
    ]),
  ];
}

interface EgressRule {
  readonly to: readonly object[];
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
}

function egressRule(peer: NetworkPeer, protocols: readonly string[]): EgressRule {
  return {
    to: [peerOf(peer)],
    ports: peer.ports.flatMap((port) => protocols.map((protocol) => ({ protocol, port }))),
  };
}

function peerOf(peer: NetworkPeer): object {
  if ('cidr' in peer) return { ipBlock: { cidr: peer.cidr } };
  const { namespaceLabels, podLabels } = peer;
  return {
    namespaceSelector: { matchLabels: namespaceLabels },
    ...(podLabels !== undefined && { podSelector: { matchLabels: podLabels } }),
  };
}
