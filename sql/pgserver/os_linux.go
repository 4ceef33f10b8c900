package pgserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

const (
	systemLocale = "C.UTF-8"
	dataHome     = ".local/share"
)

// memoryFolders is /dev/shm where it has room for the databases of many tests; containers often give it none.
func memoryFolders() []string {
	const room = 2 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return nil
	}
	return []string{"/dev/shm"}
}

// diesWithParent lets the kernel stop the server when this process is killed.
func diesWithParent(cmd *exec.Cmd, throwaway bool) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	if throwaway {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	}
}

// stopsWithParent lets the kernel tell a program to stop when this process is killed.
func stopsWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM }

// inspect tells the state of a process and how it was called.
func inspect(pid int) (processState, string) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return gone, ""
	}
	// The name of the program stands in parentheses before the state and may hold anything.
	after := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(after) > 0 && (after[0] == 'Z' || after[0] == 'X') {
		return zombie, ""
	}
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return gone, ""
	}
	return running, string(bytes.ReplaceAll(command, []byte{0}, []byte{' '}))
}
