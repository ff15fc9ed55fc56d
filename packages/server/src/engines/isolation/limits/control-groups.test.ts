import { expect, test } from 'vitest';
import { parentGroup, hierarchiesOf, limitFiles } from './control-groups.ts';

const V1_MOUNTS = `30 20 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
35 30 0:31 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
`;

test('version 1: one hierarchy per mount with a relevant controller', () => {
  const own = '7:freezer:/\n4:memory:/jobs/a:b\n3:pids:/\n2:cpu,cpuacct:/jobs\n0::/\n';
  expect(hierarchiesOf(own, V1_MOUNTS)).toEqual([
    { folder: '/sys/fs/cgroup/memory/jobs/a:b', version: 1, controllers: ['memory'] },
    { folder: '/sys/fs/cgroup/pids', version: 1, controllers: ['pids'] },
    { folder: '/sys/fs/cgroup/cpu,cpuacct/jobs', version: 1, controllers: ['cpu', 'cpuacct'] },
    { folder: '/sys/fs/cgroup/unified', version: 2, controllers: [] },
  ]);
});

test('version 2: one hierarchy; in a container its root is the mount', () => {
  const mounts = '30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';
  expect(hierarchiesOf('0::/system.slice/dais.service/dais\n', mounts)).toEqual([
    { folder: '/sys/fs/cgroup/system.slice/dais.service/dais', version: 2, controllers: [] },
  ]);
  const inContainer = '30 20 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';
  expect(hierarchiesOf('0::/docker/abc/own\n', inContainer)).toMatchObject([{ folder: '/sys/fs/cgroup/own' }]);
});

test('creates task groups next to the group of a delegated service, else below the own group', () => {
  const at = (folder: string, version: 1 | 2) => parentGroup({ folder, version });
  expect(at('/sys/fs/cgroup/system.slice/dais.service/dais', 2)).toBe('/sys/fs/cgroup/system.slice/dais.service');
  expect(at('/sys/fs/cgroup/system.slice/dais.service', 2)).toBe('/sys/fs/cgroup/system.slice/dais.service');
  expect(at('/sys/fs/cgroup/memory/dais.service/dais', 1)).toBe('/sys/fs/cgroup/memory/dais.service/dais');
});

test('formats limits for each version', () => {
  const expected = { cpu: 0.5, memory: 1_000_000.2 };
  expect(limitFiles(2, ['memory', 'pids', 'cpu'], expected, 9)).toEqual([
    ['memory.max', '1000001'],
    ['pids.max', '9'],
    ['cpu.max', '50000 100000'],
  ]);
  expect(limitFiles(1, ['cpu', 'cpuacct'], expected, 9)).toEqual([
    ['cpu.cfs_period_us', '100000'],
    ['cpu.cfs_quota_us', '50000'],
  ]);
  expect(limitFiles(1, ['memory'], expected, 9)).toEqual([['memory.limit_in_bytes', '1000001']]);
  expect(limitFiles(2, ['memory', 'cpu'], {}, 9)).toEqual([]);
});
