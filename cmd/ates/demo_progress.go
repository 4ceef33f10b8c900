package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far a story is: in one line that changes where there is a terminal, and otherwise in a line a week.
type progress struct {
	out      io.Writer
	terminal bool
	days     int
	begun    time.Time
}

func newProgress(out io.Writer, days int) *progress {
	p := &progress{out: out, days: days, begun: time.Now()}
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil {
			p.terminal = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

// show tells of a day that is over.
func (p *progress) show(t *teller, day time.Time) {
	const width = 30
	number, last := t.number(day), day.Equal(t.books.Day(t.until))
	line := fmt.Sprintf("  %s  day %d of %d  %d tasks, %d resolved, %d reassigned", day.Format("Mon 2 Jan 2006"), number, p.days, t.created, t.resolved, t.drawn)
	switch {
	case p.terminal:
		full := min(width, width*number/p.days)
		fmt.Fprintf(p.out, "\r  %s%s%s\x1b[K", strings.Repeat("█", full), strings.Repeat("░", width-full), line)
	case last || day.Weekday() == time.Sunday:
		fmt.Fprintln(p.out, line)
	}
}

// end leaves the line.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprintln(p.out)
	}
}
