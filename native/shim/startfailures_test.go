package main

import (
	"encoding/binary"
	"os"
	"slices"
	"testing"
)

// The file can have any content: a command can be its own broken file.
func FuzzLoader(f *testing.F) {
	if program, err := os.ReadFile("/bin/sh"); err == nil {
		head := program[:min(len(program), 4096)]
		f.Add(head)
		broken := slices.Clone(head)
		binary.LittleEndian.PutUint64(broken[32:], ^uint64(0)-8)
		f.Add(broken)
	}
	f.Add([]byte("\x7fELF\x02\x01"))
	f.Fuzz(func(t *testing.T, head []byte) {
		if loader := loaderOf(head); len(loader) > len(head) {
			t.Fatal("a loader longer than the file")
		}
	})
}

func FuzzStrings(f *testing.F) {
	f.Add([]byte("a\x00b\x00"), 2)
	f.Add([]byte(""), 0)
	f.Fuzz(func(t *testing.T, joined []byte, count int) {
		if strings, err := splitStrings(joined, count); err == nil && string(joinStrings(strings)) != string(joined) {
			t.Fatalf("changed %q", joined)
		}
	})
}

func TestSearchesThePath(t *testing.T) {
	cases := []struct {
		name      string
		variables []string
		expected  []string
	}{
		{"sh", []string{"A=1", "PATH=/a:/b"}, []string{"/a/sh", "/b/sh"}},
		{"sh", []string{"PATH=/a::b:"}, []string{"/a/sh", "sh", "b/sh", "sh"}},
		{"sh", []string{"PATH="}, []string{"sh"}},
		{"sh", []string{"XPATH=/a"}, []string{"/bin/sh", "/usr/bin/sh"}},
		{"./sh", []string{"PATH=/a"}, []string{"./sh"}},
		{"", []string{"PATH=/a"}, []string{""}},
	}
	for _, one := range cases {
		if found, _ := candidatesOf(one.name, one.variables); !slices.Equal(found, one.expected) {
			t.Errorf("%s with %v: %q", one.name, one.variables, found)
		}
	}
}
