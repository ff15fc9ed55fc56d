import { expect, test } from 'vitest';
import { isolationRemedy, readRestrictions, type MachineRestrictions } from './machine-restrictions.ts';

const open: MachineRestrictions = {
  isRoot: false,
  container: undefined,
  isProcMasked: false,
  areUserNamespacesOff: false,
  isCloneOff: false,
  doesAppArmorRestrict: false,
  isFiltered: false,
  mayMapUsers: false,
  isService: false,
};

const refused = '/opt/bwrap: bwrap: No permissions to create new namespace';
const masked = "/opt/bwrap: bwrap: Can't mount proc on /newroot/proc: Operation not permitted";

test.each<[string, Partial<MachineRestrictions>, RegExp, string?]>([
  ['user namespaces off', { areUserNamespacesOff: true }, /sysctl -w user\.max_user_namespaces=15000/],
  ['an older Debian kernel', { isCloneOff: true }, /sysctl -w kernel\.unprivileged_userns_clone=1/],
  ['Ubuntu', { doesAppArmorRestrict: true }, /apparmor_parser -r .*apparmor_restrict_unprivileged_userns=0/],
  [
    'Docker',
    { container: 'docker', isFiltered: true, isProcMasked: true },
    /seccomp=dais-seccomp\.json.*systempaths=unconfined/,
  ],
  [
    'Docker without a filter',
    { container: 'docker', isProcMasked: true },
    /with `--security-opt systempaths=unconfined`\.$/,
  ],
  [
    'Docker with the profile of Dais',
    { container: 'docker', isProcMasked: true, isFiltered: true },
    /with `--security-opt systempaths=unconfined`\.$/,
    masked,
  ],
  [
    'podman',
    { container: 'podman', isProcMasked: true, isFiltered: true },
    /with `--security-opt unmask=ALL`\.$/,
    masked,
  ],
  [
    'podman with a strict filter',
    { container: 'podman', isProcMasked: true, isFiltered: true },
    /seccomp=dais-seccomp\.json --security-opt unmask=ALL/,
  ],
  ['Kubernetes', { container: 'kubernetes' }, /procMount: Unmasked/],
  ['root without capabilities', { isRoot: true, container: 'docker' }, /--user 65534/],
  ['a hardened unit', { isService: true, isFiltered: true }, /RestrictNamespaces=no.*deploy\/systemd\/dais\.service/],
  ['an unknown cause', {}, /docs\/guide\/isolation\.md/],
])('the remedy for %s', (_, restrictions, expected, reason = refused) => {
  expect(isolationRemedy({ ...open, ...restrictions }, { program: '/opt/bwrap', reasons: [reason] })).toMatch(expected);
});

test('reads the restrictions of this machine', () => {
  const found = readRestrictions({ KUBERNETES_SERVICE_HOST: '10.0.0.1' });
  expect(found.container).toBe('kubernetes');
  expect(found.isRoot).toBe(process.getuid?.() === 0);
});
