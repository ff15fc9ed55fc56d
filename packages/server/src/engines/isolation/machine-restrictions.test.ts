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

test.each<[string, Partial<MachineRestrictions>, RegExp]>([
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
  ['podman', { container: 'podman', isProcMasked: true, isFiltered: true }, /--security-opt unmask=ALL/],
  ['Kubernetes', { container: 'kubernetes' }, /procMount: Unmasked/],
  ['root without capabilities', { isRoot: true, container: 'docker' }, /--user 65534/],
  ['a hardened unit', { isService: true, isFiltered: true }, /RestrictNamespaces=no.*deploy\/systemd\/dais\.service/],
  ['an unknown cause', {}, /docs\/guide\/isolation\.md/],
])('the remedy for %s', (_, restrictions, expected) => {
  expect(isolationRemedy({ ...open, ...restrictions }, '/opt/bwrap')).toMatch(expected);
});

test('the restrictions of this machine are read', () => {
  const found = readRestrictions({ KUBERNETES_SERVICE_HOST: '10.0.0.1' });
  expect(found.container).toBe('kubernetes');
  expect(found.isRoot).toBe(process.getuid?.() === 0);
});
