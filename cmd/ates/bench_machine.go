package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// tooBusy is the share of the processors from which on something else disturbs what is measured.
const tooBusy = 0.15

// busyShare is the share of the processors' time, for a while from now, that is not idle. It is only known on Linux.
func busyShare(ctx context.Context, during time.Duration) (share float64, known bool, err error) {
	idle, all, ok := processorTimes()
	if !ok {
		return 0, false, nil
	}
	select {
	case <-ctx.Done():
		return 0, false, ctx.Err()
	case <-time.After(during):
	}
	idleAfter, allAfter, ok := processorTimes()
	if !ok || allAfter == all {
		return 0, false, nil
	}
	return 1 - float64(idleAfter-idle)/float64(allAfter-all), true, nil
}

// processorTimes are the ticks since the start of the machine, see proc_stat(5).
func processorTimes() (idle, all uint64, ok bool) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(stat))
	if !lines.Scan() {
		return 0, 0, false
	}
	var user, nice, system, idling, waiting, irq, softirq, steal uint64
	if _, err := fmt.Sscanf(lines.Text(), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idling, &waiting, &irq, &softirq, &steal); err != nil {
		return 0, 0, false
	}
	idle = idling + waiting
	return idle, idle + user + nice + system + irq + softirq + steal, true
}
