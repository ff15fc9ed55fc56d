package main

import (
	"os"
	"path"
	"testing"
)

func TestFindsTheGroupsOfAContainer(t *testing.T) {
	const v1 = "30 1 0:9 /pods/one /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"31 1 0:10 /pods/one /sys/fs/cgroup/cpu,cpuacct ro master:1 - cgroup cgroup rw,cpu,cpuacct\n"
	cases := []struct {
		name, own, mounts string
		isInitial         bool
		expected          controlGroups
	}{
		{"version 2", "0::/\n", "30 1 0:9 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", false, controlGroups{unified: "/sys/fs/cgroup"}},
		{"version 2 without a namespace", "0::/pods/one\n", "30 1 0:9 / /cg ro shared:4 - cgroup2 cgroup rw\n", true, controlGroups{unified: "/cg/pods/one"}},
		{"the machine", "0::/\n", "30 1 0:9 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", true, controlGroups{}},
		{"version 1", "4:cpu,cpuacct:/pods/one\n9:memory:/pods/one\n0::/\n", v1, true, controlGroups{memory: "/sys/fs/cgroup/memory", cpu: "/sys/fs/cgroup/cpu,cpuacct"}},
		{"version 1, below", "9:memory:/pods/one/two\n", v1, true, controlGroups{memory: "/sys/fs/cgroup/memory/two"}},
		{"nothing", "", "garbage\n- \n1 2 - 3\n", false, controlGroups{}},
	}
	for _, one := range cases {
		if found := parseControlGroups(one.own, one.mounts, one.isInitial); found != one.expected {
			t.Errorf("%s: found %+v", one.name, found)
		}
	}
}

func TestReadsUsage(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(path.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(counts groupCounts, version int, peak, kills, cpu int64) {
		t.Helper()
		if counts.version != version || *counts.peak != peak || *counts.kills != kills || *counts.cpu != cpu {
			t.Errorf("read %d, %d, %d, %d", counts.version, *counts.peak, *counts.kills, *counts.cpu)
		}
	}
	write("memory.max_usage_in_bytes", "4096\n")
	write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
	write("cpuacct.usage", "7000000\n")
	expect(controlGroups{unified: folder, memory: folder, cpu: folder}.read(), 1, 4096, 2, 7)
	write("memory.events", "low 0\nhigh 0\nmax 5\noom 3\noom_kill 1\noom_group_kill 0\n")
	write("memory.peak", "8192\n")
	write("cpu.stat", "usage_usec 9500\nuser_usec 1\n")
	before := controlGroups{unified: folder, memory: folder}.read()
	expect(before, 2, 8192, 1, 9)
	write("memory.events", "oom_kill 4\n")
	write("cpu.stat", "usage_usec 20500\n")
	report := controlGroups{unified: folder}.read().since(before)
	if *report.MemoryKills != 3 || *report.CpuMs != 11 || *report.PeakMemoryBytes != 8192 {
		t.Errorf("reported %d kills, %d ms", *report.MemoryKills, *report.CpuMs)
	}
	if (controlGroups{}).read().since(groupCounts{}) != nil {
		t.Error("reported a group that does not exist")
	}
}
