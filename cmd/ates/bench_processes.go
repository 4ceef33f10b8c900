package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is one process of this machine, see proc_stat(5).
type process struct {
	parent int
	// ticks are those of the processor that it and its children that have ended took.
	ticks uint64
}

// processes are those of this machine by their ids, none where there is no /proc.
func processes() (map[int]process, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	found := make(map[int]process, len(names))
	for _, name := range names {
		stat, err := os.ReadFile(name) //nolint:gosec // in /proc
		if err != nil {
			continue // it ended
		}
		// The name of the program stands in brackets and may have any character.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		const state, utime, cstime = 3, 14, 17 // the numbers that the fields have in the manual
		if len(fields) <= cstime-state {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(name, "/")[2])
		if err != nil {
			continue
		}
		var p process
		p.parent, _ = strconv.Atoi(fields[1])
		for _, field := range fields[utime-state : cstime-state+1] {
			ticks, _ := strconv.ParseUint(field, 10, 64)
			p.ticks += ticks
		}
		found[pid] = p
	}
	return found, nil
}

// ticksOf are the ticks that some processes took with all that descend from them.
func ticksOf(all map[int]process, roots []int) (ticks uint64) {
	descends := make(map[int]bool, len(all))
	for _, root := range roots {
		descends[root] = true
	}
	for pid, p := range all {
		line := []int{pid}
		for at := p.parent; at > 1 && !descends[line[len(line)-1]]; at = all[at].parent {
			line = append(line, at)
		}
		if descends[line[len(line)-1]] {
			ticks += p.ticks
		}
	}
	return ticks
}

// statusOf is a figure of a process in /proc, such as VmRSS, in bytes; 0 where it is not known.
func statusOf(pid int, name string) (bytes int64) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilobytes, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
