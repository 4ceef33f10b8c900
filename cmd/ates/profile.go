package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// profiling says where the processor's time goes, for "go tool pprof".
type profiling struct {
	CPUProfile string `name:"cpu-profile" type:"path" placeholder:"FILE" hidden:"" help:"Write a CPU profile; benchmarks add those of the processes that they start, as FILE.1 and so on."`
}

// profile begins to write the profile, if one is wanted; stop completes it.
func (p profiling) profile() (stop func() error, err error) {
	if p.CPUProfile == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(p.CPUProfile)
	if err != nil {
		return nil, fmt.Errorf("write a CPU profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("write a CPU profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}
