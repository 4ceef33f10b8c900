package main

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// release and commit are set where the program is built without its repository, as for packages:
//
//	go build -ldflags "-X main.release=v1.4.0 -X main.commit=65285d4a1b2c" ./cmd/ates
var release, commit string

// shortCommit is how much of a commit's name tells it from all others.
const shortCommit = 12

// build is which program this is, as far as it is known.
type build struct {
	// Version is that of the release, or the pseudo-version of the commit, with +dirty where files had been changed since; "development"
	// where nobody has said.
	Version string
	// Commit is the beginning of its name; empty where it is not known.
	Commit string
	Go     string
}

// thisBuild reads what the compiler noted.
func thisBuild() build {
	b := build{Version: release, Commit: commit, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b.known()
	}
	b.Version = cmp.Or(b.Version, info.Main.Version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && b.Commit == "" {
			b.Commit = s.Value[:min(len(s.Value), shortCommit)]
		}
	}
	return b.known()
}

// known says of a version that nobody has named that it is none.
func (b build) known() build {
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "development"
	}
	return b
}

// String is the version with the commit, which a pseudo-version has in it already.
func (b build) String() string {
	if b.Commit == "" || strings.Contains(b.Version, b.Commit) {
		return b.Version
	}
	return b.Version + " " + b.Commit
}

// metric tells a registry of Prometheus which program runs.
func (b build) metric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "ates", Name: "build_info", Help: "1, with which program runs in its labels.",
		ConstLabels: prometheus.Labels{"version": b.Version, "commit": b.Commit, "go": b.Go},
	}, func() float64 { return 1 })
}
