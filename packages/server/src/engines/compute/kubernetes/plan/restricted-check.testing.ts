/**
 * Checks a pod against the profile `restricted` of the Pod Security Standards, version 1.34 (with the volume type `image`, which it
 * permits since 1.33): https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */

/** Any value of a manifest. */
type Json = Readonly<Record<string, unknown>>;

interface PodTemplate {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: object;
}

interface Container {
  readonly path: string;
  readonly fields: Json;
  readonly security: Json;
}

const VOLUME_TYPES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
]);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/';

/** Returns a sentence for each violation; none for a pod that the API server accepts in a `restricted` namespace. */
export function restrictedViolations({ metadata, spec }: PodTemplate): readonly string[] {
  const pod = spec as Json;
  const podSecurity = recordOf(pod['securityContext']);
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    listOf(pod[list]).map((fields, index): Container => {
      const container = recordOf(fields);
      return { path: `${list}[${index}]`, fields: container, security: recordOf(container['securityContext']) };
    }),
  );
  return [
    ...hostViolations(pod, podSecurity, containers),
    ...containers.flatMap(baselineViolations),
    ...podSecurityViolations(podSecurity),
    ...containers.flatMap((container) => restrictedContainerViolations(container, podSecurity)),
    ...volumeViolations(pod),
    ...Object.entries(metadata?.annotations ?? {})
      .filter(
        ([name, value]) => name.startsWith(APPARMOR_ANNOTATION) && !/^(runtime\/default|localhost\/.*)?$/.test(value),
      )
      .map(([name]) => `annotation ${name} turns AppArmor off`),
  ];
}

/** Host process, host namespaces, host ports, and hosts of probes and lifecycle hooks. */
function hostViolations(pod: Json, podSecurity: Json, containers: readonly Container[]): string[] {
  const found = ['hostNetwork', 'hostPID', 'hostIPC'].filter((name) => pod[name] === true);
  const contexts: readonly [string, Json][] = [
    ['pod', podSecurity],
    ...containers.map(({ path, security }): [string, Json] => [path, security]),
  ];
  for (const [path, security] of contexts) {
    if (recordOf(security['windowsOptions'])['hostProcess'] === true) found.push(`${path}: hostProcess`);
  }
  for (const { path, fields } of containers) {
    for (const port of listOf(fields['ports'])) {
      if ((recordOf(port)['hostPort'] ?? 0) !== 0) found.push(`${path}: hostPort`);
    }
    const hooks = recordOf(fields['lifecycle']);
    const handlers = ['livenessProbe', 'readinessProbe', 'startupProbe'].map((name) => fields[name]);
    for (const handler of [...handlers, hooks['postStart'], hooks['preStop']]) {
      for (const action of ['httpGet', 'tcpSocket']) {
        if ((recordOf(recordOf(handler)[action])['host'] ?? '') !== '') found.push(`${path}: host of ${action}`);
      }
    }
  }
  return found;
}

/** Privileged containers, AppArmor, SELinux, `/proc` and seccomp. */
function baselineViolations({ path, security }: Container): string[] {
  const found = optionViolations(path, security);
  if (security['privileged'] === true) found.push(`${path}: privileged`);
  if ((security['procMount'] ?? 'Default') !== 'Default') found.push(`${path}: procMount`);
  return found;
}

function podSecurityViolations(security: Json): string[] {
  const found = optionViolations('pod', security);
  if (security['runAsUser'] === 0) found.push('pod: runAsUser 0');
  for (const sysctl of listOf(security['sysctls'])) {
    const { name } = recordOf(sysctl);
    if (typeof name !== 'string' || !SAFE_SYSCTLS.has(name)) found.push(`pod: sysctl ${String(name)}`);
  }
  return found;
}

function optionViolations(path: string, security: Json): string[] {
  const found: string[] = [];
  const apparmor = recordOf(security['appArmorProfile'])['type'] ?? 'RuntimeDefault';
  if (apparmor !== 'RuntimeDefault' && apparmor !== 'Localhost') found.push(`${path}: appArmorProfile`);
  const { type = '', user = '', role = '' } = recordOf(security['seLinuxOptions']);
  if (typeof type !== 'string' || !SELINUX_TYPES.has(type)) found.push(`${path}: seLinuxOptions.type`);
  if (user !== '' || role !== '') found.push(`${path}: seLinuxOptions.user and role`);
  if (seccompOf(security) === 'Unconfined') found.push(`${path}: seccompProfile Unconfined`);
  return found;
}

/** Privilege escalation, users, seccomp and capabilities. Settings of a container override those of the pod. */
function restrictedContainerViolations({ path, security }: Container, podSecurity: Json): string[] {
  const found: string[] = [];
  if (security['allowPrivilegeEscalation'] !== false) found.push(`${path}: allowPrivilegeEscalation is not false`);
  if ((security['runAsNonRoot'] ?? podSecurity['runAsNonRoot']) !== true) {
    found.push(`${path}: runAsNonRoot is not true`);
  }
  if (security['runAsUser'] === 0) found.push(`${path}: runAsUser 0`);
  const seccomp = seccompOf(security) ?? seccompOf(podSecurity);
  if (seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost') found.push(`${path}: no seccompProfile`);
  const { drop, add } = recordOf(security['capabilities']);
  if (!listOf(drop).includes('ALL')) found.push(`${path}: does not drop all capabilities`);
  for (const capability of listOf(add)) {
    if (capability !== 'NET_BIND_SERVICE') found.push(`${path}: adds capability ${String(capability)}`);
  }
  return found;
}

function volumeViolations(pod: Json): string[] {
  return listOf(pod['volumes']).flatMap((volume) => {
    const { name, ...types } = recordOf(volume);
    return Object.keys(types)
      .filter((type) => !VOLUME_TYPES.has(type))
      .map((type) => `volume ${String(name)}: type ${type}`);
  });
}

function seccompOf(security: Json): unknown {
  return recordOf(security['seccompProfile'])['type'];
}

function recordOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
