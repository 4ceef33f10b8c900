package pgserver

import (
	"os/exec"
	"syscall"
)

// Account is whom a server runs as, for whoever has servers started by others than Start, such as Patroni: this process's own user, or
// somebody with fewer rights when that is root.
type Account struct{ account }

// ServerAccount chooses the account, as Start does for a new cluster.
func ServerAccount() (Account, error) {
	a, err := accountFor("")
	return Account{a}, err
}

// Mkdir makes a folder that only the account may enter.
func (a Account) Mkdir(path string) error { return a.mkdir(path) }

// Program is a running program of an account.
type Program struct{ started *postmaster }

// Start starts a program as the account, in a process group of its own. On Linux it is told to stop (SIGTERM) when this process is killed.
func (a Account) Start(cmd *exec.Cmd) (*Program, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	a.runs(cmd)
	stopsWithParent(cmd)
	p, err := run(cmd)
	if err != nil {
		return nil, a.explain(err)
	}
	return &Program{p}, nil
}

// PID is the program's process id.
func (p *Program) PID() int { return p.started.process.Pid }

// Ended is closed when the program is gone.
func (p *Program) Ended() <-chan struct{} { return p.started.exited }

// Signal sends a signal; it is no error when the program is gone.
func (p *Program) Signal(signal syscall.Signal) {
	_ = p.started.process.Signal(signal) // it can only be gone: it is ours
}
