package main

import (
	"io"
	"os"
	"strconv"
)

// Copies this program to a path, which appears whole: the container of the command starts as soon as it is there. A program that
// is there already stays, because it may run.
func install(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	source, err := os.Open(ownProgram)
	if err != nil {
		return err
	}
	defer source.Close()
	part := path + "." + strconv.Itoa(os.Getpid())
	target, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if closed := target.Close(); err == nil {
		err = closed
	}
	if err == nil {
		// The mask of the process may have removed permissions.
		err = os.Chmod(part, 0o755)
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}
