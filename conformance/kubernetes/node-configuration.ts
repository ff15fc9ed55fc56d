/** Configurations of the kubelet and of kube-proxy, as JSON, which both read as YAML. */
import type { ClusterCertificates } from './cluster-certificates.ts';
import { NODE_ADDRESS, POD_RANGE, type NodeNamespaces } from './node-namespaces.ts';

interface KubeletParts {
  readonly certificates: ClusterCertificates;
  readonly node: NodeNamespaces;
  readonly endpoint: string;
}

/** For machines with control groups of version 1, without systemd and without CAP_SYS_RESOURCE. */
export function kubeletConfiguration({ certificates, node, endpoint }: KubeletParts): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    port: 10_250,
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10_248,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificates.path('ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificates.path('kubelet.crt'),
    tlsPrivateKeyFile: certificates.path('kubelet.key'),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${node.groups}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    containerRuntimeEndpoint: endpoint,
    resolvConf: '/etc/resolv.conf',
    podCIDR: POD_RANGE.replace('/16', '/24'),
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    rotateCertificates: false,
    maxPods: 110,
    // Otherwise an imported image counts as absent after a pull of the same image under another name.
    imagePullCredentialsVerificationPolicy: 'NeverVerify',
    syncFrequency: '10s',
  });
}

export function proxyConfiguration(kubeconfig: string, nodeName: string): string {
  return JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig },
    mode: 'iptables',
    hostnameOverride: nodeName,
    clusterCIDR: POD_RANGE,
    // A namespace has no permission to change the limits of the connection table.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    bindAddress: NODE_ADDRESS,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  });
}
