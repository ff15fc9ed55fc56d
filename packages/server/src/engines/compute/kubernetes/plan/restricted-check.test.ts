import { expect, test } from 'vitest';
import { restrictedViolations } from './restricted-check.testing.ts';

const security = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
};
const podSecurity = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };

function violations(pod: object, container: object = {}, annotations: Record<string, string> = {}): readonly string[] {
  const containers = [{ name: 'task', securityContext: security, ...container }];
  return restrictedViolations({
    metadata: { annotations },
    spec: { securityContext: podSecurity, containers, ...pod },
  });
}

test('a minimal pod is permitted', () => {
  expect(violations({})).toEqual([]);
  expect(violations({ securityContext: {} }, { securityContext: { ...security, ...podSecurity } })).toEqual([]);
  expect(
    violations({}, { securityContext: { ...security, capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } } }),
  ).toEqual([]);
  expect(
    violations({
      volumes: [
        { name: 'e', image: {} },
        { name: 'p', projected: {} },
      ],
    }),
  ).toEqual([]);
});

test.each([
  ['hostNetwork', { hostNetwork: true }],
  ['hostPID', { hostPID: true }],
  ['hostIPC', { hostIPC: true }],
  ['pod: hostProcess', { securityContext: { ...podSecurity, windowsOptions: { hostProcess: true } } }],
  ['pod: runAsUser 0', { securityContext: { ...podSecurity, runAsUser: 0 } }],
  [
    'pod: sysctl kernel.msgmax',
    { securityContext: { ...podSecurity, sysctls: [{ name: 'kernel.msgmax', value: '1' }] } },
  ],
  ['pod: seLinuxOptions.type', { securityContext: { ...podSecurity, seLinuxOptions: { type: 'spc_t' } } }],
  ['pod: seLinuxOptions.user and role', { securityContext: { ...podSecurity, seLinuxOptions: { user: 'u' } } }],
  ['pod: appArmorProfile', { securityContext: { ...podSecurity, appArmorProfile: { type: 'Unconfined' } } }],
  ['volume h: type hostPath', { volumes: [{ name: 'h', hostPath: { path: '/' } }] }],
  ['volume n: type nfs', { volumes: [{ name: 'n', nfs: {} }] }],
])('%s of a pod is a violation', (violation, pod) => {
  expect(violations(pod)).toEqual([violation]);
});

test.each([
  ['containers[0]: hostPort', { ports: [{ containerPort: 1, hostPort: 80 }] }],
  ['containers[0]: host of httpGet', { livenessProbe: { httpGet: { host: '10.0.0.1' } } }],
  ['containers[0]: host of tcpSocket', { lifecycle: { preStop: { tcpSocket: { host: '10.0.0.1' } } } }],
  ['containers[0]: privileged', { securityContext: { ...security, privileged: true } }],
  ['containers[0]: procMount', { securityContext: { ...security, procMount: 'Unmasked' } }],
  ['containers[0]: allowPrivilegeEscalation is not false', { securityContext: { capabilities: { drop: ['ALL'] } } }],
  ['containers[0]: runAsNonRoot is not true', { securityContext: { ...security, runAsNonRoot: false } }],
  ['containers[0]: runAsUser 0', { securityContext: { ...security, runAsUser: 0 } }],
  ['containers[0]: does not drop all capabilities', { securityContext: { allowPrivilegeEscalation: false } }],
  [
    'containers[0]: adds capability SYS_ADMIN',
    { securityContext: { ...security, capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } } },
  ],
])('%s is a violation', (violation, container) => {
  expect(violations({}, container)).toEqual([violation]);
});

test('seccomp must be set, for the pod or for each container', () => {
  expect(violations({ securityContext: { runAsNonRoot: true } })).toEqual(['containers[0]: no seccompProfile']);
  expect(violations({}, { securityContext: { ...security, seccompProfile: { type: 'Unconfined' } } })).toEqual([
    'containers[0]: seccompProfile Unconfined',
    'containers[0]: no seccompProfile',
  ]);
});

test('init containers and ephemeral containers are checked, and annotations of AppArmor', () => {
  expect(violations({ initContainers: [{ name: 'i' }] })).toEqual([
    'initContainers[0]: allowPrivilegeEscalation is not false',
    'initContainers[0]: does not drop all capabilities',
  ]);
  expect(violations({ ephemeralContainers: [{ securityContext: { ...security, privileged: true } }] })).toEqual([
    'ephemeralContainers[0]: privileged',
  ]);
  expect(violations({}, {}, { 'container.apparmor.security.beta.kubernetes.io/task': 'unconfined' })).toEqual([
    'annotation container.apparmor.security.beta.kubernetes.io/task turns AppArmor off',
  ]);
});
