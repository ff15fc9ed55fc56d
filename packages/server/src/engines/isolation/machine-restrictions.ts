/** Detects what prevents namespaces on this machine, in this container or service, and returns the remedy. */
import { existsSync, readFileSync } from 'node:fs';

export type ContainerEngine = 'docker' | 'podman' | 'kubernetes' | 'other';

export interface MachineRestrictions {
  readonly isRoot: boolean;
  readonly container: ContainerEngine | undefined;
  /** Mounts cover parts of /proc, so the kernel does not permit a new mount of /proc. */
  readonly isProcMasked: boolean;
  /** `user.max_user_namespaces` is 0. */
  readonly areUserNamespacesOff: boolean;
  /** `kernel.unprivileged_userns_clone` is 0 (a key of Debian's older kernels). */
  readonly isCloneOff: boolean;
  /** `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 23.10 and newer). */
  readonly doesAppArmorRestrict: boolean;
  /** This process has a seccomp filter: the profile of a container or `SystemCallFilter` of a unit. */
  readonly isFiltered: boolean;
  /** Root has the capability to map user ids (CAP_SETFCAP, bit 31). */
  readonly mayMapUsers: boolean;
  /** Dais runs as a service of systemd. */
  readonly isService: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Reads files of /proc only; takes less than a millisecond. */
export function readRestrictions(variables: Variables): MachineRestrictions {
  const status = read('/proc/self/status');
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return {
    isRoot: process.getuid?.() === 0,
    container: containerEngine(variables),
    isProcMasked: read('/proc/self/mountinfo')
      .split('\n')
      .some((line) => isMask(line.split(' ')[4] ?? '')),
    areUserNamespacesOff: read('/proc/sys/user/max_user_namespaces').trim() === '0',
    isCloneOff: read('/proc/sys/kernel/unprivileged_userns_clone').trim() === '0',
    doesAppArmorRestrict: read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns').trim() === '1',
    isFiltered: /^Seccomp:\s*2$/m.test(status),
    mayMapUsers: (capabilities & (1n << 31n)) !== 0n,
    isService: variables['INVOCATION_ID'] !== undefined && /\.service\b/.test(read('/proc/self/cgroup')),
  };
}

/** System mounts, such as binfmt_misc, hide nothing that a new /proc would reveal. */
function isMask(path: string): boolean {
  return path.startsWith('/proc/') && !path.startsWith('/proc/sys/fs/');
}

function containerEngine(variables: Variables): ContainerEngine | undefined {
  if (variables['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes';
  if (existsSync('/run/.containerenv') || variables['container'] === 'podman') return 'podman';
  if (existsSync('/.dockerenv')) return 'docker';
  return variables['container'] === undefined ? undefined : 'other';
}

const SYSCTL_FILE = '/etc/sysctl.d/99-dais.conf';

/** The error of bubblewrap for a masked /proc: all other errors are caused by a seccomp filter. */
const MASKED_PROC = /mount proc on|max_user_namespaces: Read-only/;

export interface FailedBubblewrap {
  /** Path of the bubblewrap that failed; undefined when there is none. */
  readonly program: string | undefined;
  /** Its error messages. */
  readonly reasons: readonly string[];
}

/** Returns the remedy for full isolation with bubblewrap on this machine, most likely cause first. */
export function isolationRemedy(restrictions: MachineRestrictions, { program, reasons }: FailedBubblewrap): string {
  const { isRoot, container, isProcMasked, areUserNamespacesOff, isCloneOff, doesAppArmorRestrict } = restrictions;
  const { mayMapUsers, isService } = restrictions;
  const isFiltered = restrictions.isFiltered && reasons.some((reason) => !MASKED_PROC.test(reason));
  if (areUserNamespacesOff && !(isRoot && mayMapUsers)) {
    const set = 'sysctl -w user.max_user_namespaces=15000';
    return `User namespaces are disabled. Enable them on the host: \`${set}\` (and the same setting in ${SYSCTL_FILE}).`;
  }
  if (isCloneOff && !isRoot) {
    const set = 'sysctl -w kernel.unprivileged_userns_clone=1';
    return `Only root can create user namespaces. Allow them for other users on the host: \`${set}\` (and the same setting in ${SYSCTL_FILE}).`;
  }
  if (isRoot && !mayMapUsers) {
    return 'Dais runs as root without the capabilities of root. Run Dais as another user (`--user 65534`, `runAsUser: 65534`), or do not drop the capabilities of root.';
  }
  if (container !== undefined) return containerRemedy(container, { isProcMasked, isFiltered });
  if (doesAppArmorRestrict && !isRoot) {
    return (
      'AppArmor restricts user namespaces. Load the profile of `deploy/apparmor/dais-bwrap` ' +
      `(for ${program ?? '/usr/bin/bwrap'}): \`cp dais-bwrap /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/dais-bwrap\`. ` +
      'Or run `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`.'
    );
  }
  if (isService && (isFiltered || isProcMasked)) {
    return (
      'Settings of the systemd unit prevent isolation. Set `RestrictNamespaces=no`, `ProtectKernelTunables=no`, `ProtectHostname=no`, ' +
      '`ProtectKernelLogs=no`, `ProtectProc=default`, `ProcSubset=all` and remove `SystemCallFilter`, as `deploy/systemd/dais.service` does.'
    );
  }
  return 'Allow user namespaces for the user that Dais runs as, or run Dais as root; docs/guide/isolation.md lists the settings that prevent them.';
}

/** The options of each container engine for seccomp, and for the mounts that cover /proc. */
function containerRemedy(
  container: ContainerEngine,
  { isProcMasked, isFiltered }: { readonly isProcMasked: boolean; readonly isFiltered: boolean },
): string {
  if (container === 'docker') {
    const options = [
      ...(isFiltered ? ['--security-opt seccomp=dais-seccomp.json'] : []),
      ...(isProcMasked ? ['--security-opt systempaths=unconfined'] : []),
    ];
    const file = isFiltered ? ' (the file is in deploy/docker)' : '';
    return `Start the container with \`${options.join(' ') || '--privileged'}\`${file}.`;
  }
  if (container === 'podman') {
    const options = [
      ...(isFiltered ? ['--security-opt seccomp=dais-seccomp.json'] : []),
      ...(isProcMasked || !isFiltered ? ['--security-opt unmask=ALL'] : []),
    ];
    const file = isFiltered ? ' (the file is in deploy/docker)' : '';
    return `Start the container with \`${options.join(' ')}\`${file}.`;
  }
  if (container === 'kubernetes') {
    return (
      'In the securityContext of the container, set `procMount: Unmasked` (with `hostUsers: false`) and a `seccompProfile` of type ' +
      '`Localhost` with deploy/docker/dais-seccomp.json.'
    );
  }
  return 'Permit user namespaces and mounts of /proc in the container: allow the system calls of deploy/docker/dais-seccomp.json and unmask /proc.';
}

/** A missing key reads as empty: it restricts nothing. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
