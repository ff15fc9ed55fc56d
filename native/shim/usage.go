package main

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// What the kernel counted for the control group of the container; absent fields could not be read.
type groupReport struct {
	Version int `json:"version"`
	// Since the start of the container, with the page cache.
	PeakMemoryBytes *int64 `json:"peakMemoryBytes,omitempty"`
	// Between start and end of the command.
	MemoryKills *int64 `json:"memoryKills,omitempty"`
	CpuMs       *int64 `json:"cpuMs,omitempty"`
}

// Folders of the control groups of this container.
type controlGroups struct {
	// Version 2.
	unified string
	// Version 1.
	memory, cpu string
}

// The initial namespace of control groups has a fixed number.
const initialGroups = "cgroup:[4026531835]"

func findControlGroups() controlGroups {
	namespace, _ := os.Readlink("/proc/self/ns/cgroup")
	return parseControlGroups(readText("/proc/self/cgroup"), readText("/proc/self/mountinfo"), namespace == initialGroups)
}

// `isInitial`: the process sees the groups of the whole machine.
func parseControlGroups(own, mounts string, isInitial bool) controlGroups {
	type mount struct{ folder, root string }
	mounted := map[string]mount{}
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 {
			continue
		}
		switch right[0] {
		case "cgroup2":
			mounted[""] = mount{left[4], left[3]}
		case "cgroup":
			for _, name := range strings.Split(right[2], ",") {
				mounted[name] = mount{left[4], left[3]}
			}
		}
	}
	var found controlGroups
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		for _, name := range strings.Split(parts[1], ",") {
			at, isMounted := mounted[name]
			// The root group counts the whole machine.
			if !isMounted || parts[2] == "/" && isInitial {
				continue
			}
			folder := path.Join(at.folder, strings.TrimPrefix(parts[2], strings.TrimSuffix(at.root, "/")))
			switch name {
			case "":
				found.unified = folder
			case "memory":
				found.memory = folder
			case "cpuacct":
				found.cpu = folder
			}
		}
	}
	return found
}

type groupCounts struct {
	version          int
	peak, kills, cpu *int64
}

// Version 2 where it counts memory, otherwise version 1.
func (groups controlGroups) read() groupCounts {
	if events := readText(path.Join(groups.unified, "memory.events")); groups.unified != "" && events != "" {
		counts := groupCounts{version: 2, kills: fieldOf(events, "oom_kill")}
		// Since Linux 5.19.
		counts.peak = readNumber(groups.unified, "memory.peak")
		if used := fieldOf(readText(path.Join(groups.unified, "cpu.stat")), "usage_usec"); used != nil {
			counts.cpu = scaled(*used, 1000)
		}
		return counts
	}
	counts := groupCounts{version: 1}
	if groups.memory != "" {
		counts.peak = readNumber(groups.memory, "memory.max_usage_in_bytes")
		counts.kills = fieldOf(readText(path.Join(groups.memory, "memory.oom_control")), "oom_kill")
	}
	if groups.cpu != "" {
		if used := readNumber(groups.cpu, "cpuacct.usage"); used != nil {
			counts.cpu = scaled(*used, 1_000_000)
		}
	}
	return counts
}

func (after groupCounts) since(before groupCounts) *groupReport {
	if after.peak == nil && after.kills == nil && after.cpu == nil {
		return nil
	}
	return &groupReport{after.version, after.peak, difference(after.kills, before.kills), difference(after.cpu, before.cpu)}
}

func difference(after, before *int64) *int64 {
	if after == nil || before == nil {
		return nil
	}
	return scaled(*after-*before, 1)
}

func scaled(number, divisor int64) *int64 {
	result := number / divisor
	return &result
}

func readText(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

func readNumber(folder, file string) *int64 {
	return numberOf(strings.TrimSpace(readText(path.Join(folder, file))))
}

func fieldOf(text, name string) *int64 {
	for line := range strings.Lines(text) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key == name {
			return numberOf(value)
		}
	}
	return nil
}

func numberOf(text string) *int64 {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &number
}
