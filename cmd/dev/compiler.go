package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// ensureCompiler reports whether the race detector can be built, which takes a C compiler, and installs one where it can.
func ensureCompiler(ctx context.Context) bool {
	if hasCompiler(ctx) {
		return true
	}
	if onDebianAsRoot() {
		fmt.Println("installing a C compiler for the race detector, once")
		if err := aptInstall(ctx, "gcc", "libc6-dev"); err != nil {
			fmt.Println("WARNING:", err)
		}
	}
	if hasCompiler(ctx) {
		return true
	}
	fmt.Println("WARNING: no C compiler, or CGO_ENABLED=0: the tests run WITHOUT THE RACE DETECTOR. Install gcc or clang.")
	return false
}

func hasCompiler(ctx context.Context) bool {
	if os.Getenv("CGO_ENABLED") == "0" {
		return false
	}
	compiler, err := output(ctx, "go", "env", "CC")
	if err != nil || compiler == "" {
		return false
	}
	words := strings.Fields(compiler)
	// A compiler without the C library's headers cannot build it either.
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], "-fsyntax-only", "-x", "c", "-")...)
	cmd.Stdin = strings.NewReader("#include <stdlib.h>\n")
	return cmd.Run() == nil
}
