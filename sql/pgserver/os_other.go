//go:build !linux

package pgserver

import (
	"os/exec"
	"strconv"
	"strings"
)

const (
	systemLocale = "en_US.UTF-8"
	dataHome     = "Library/Application Support"
)

// memoryFolders is empty: there is no file system in memory to count on.
func memoryFolders() []string { return nil }

// diesWithParent does nothing: there is no such service here, so the next start stops a server that was left behind.
func diesWithParent(*exec.Cmd, bool) {}

// stopsWithParent does nothing either.
func stopsWithParent(*exec.Cmd) {}

// inspect tells the state of a process and how it was called.
func inspect(pid int) (processState, string) {
	out, err := exec.Command("ps", "-ww", "-o", "state=,command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return gone, ""
	}
	state, command, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if strings.HasPrefix(state, "Z") {
		return zombie, ""
	}
	return running, strings.TrimSpace(command)
}
