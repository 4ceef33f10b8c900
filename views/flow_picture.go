package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The measures of the picture, in its own units, of which one is a pixel.
const (
	boxWidth, boxHeight = 178, 62
	columnGap, rowGap   = 52, 12
	laneHead, laneFoot  = 26, 12
	pictureMargin       = 16
	// columns is how many steps after one another the picture shows; days that are closed one after another go on and on.
	columns = 16
	// rowsOfLane is how many steps it shows below one another in a column of a lane.
	rowsOfLane = 12
)

// picture is a flow as it is drawn: a lane for each context, from left to right what led to what.
type picture struct {
	width, height int
	lanes         []pictureLane
	boxes         []pictureBox
	wires         []pictureWire
	// left out are the steps for which there is no room.
	leftOut int
}

type pictureLane struct {
	lane      FlowLane
	y, height int
}

type pictureBox struct {
	step FlowStep
	x, y int
}

type pictureWire struct {
	path string
	// state is that of where the wire leads; forgotten is a wire that leaves out jobs nobody remembers.
	state     FlowState
	forgotten bool
}

// draw lays a flow out.
func draw(steps []FlowStep) picture {
	cells := map[FlowLane]map[int][]int{}
	deepest := 0
	var p picture
	for i, s := range steps {
		if s.Depth >= columns || len(cells[s.Lane][s.Depth]) >= rowsOfLane {
			p.leftOut++
			continue
		}
		if cells[s.Lane] == nil {
			cells[s.Lane] = map[int][]int{}
		}
		cells[s.Lane][s.Depth] = append(cells[s.Lane][s.Depth], i)
		deepest = max(deepest, s.Depth)
	}
	p.width = 2*pictureMargin + (deepest+1)*boxWidth + deepest*columnGap
	places := map[int]pictureBox{}
	y := 0
	for _, lane := range FlowLanes() {
		rows := 0
		for _, cell := range cells[lane] {
			rows = max(rows, len(cell))
		}
		if rows == 0 {
			continue
		}
		height := laneHead + rows*boxHeight + (rows-1)*rowGap + laneFoot
		p.lanes = append(p.lanes, pictureLane{lane, y, height})
		for depth, cell := range cells[lane] {
			for row, i := range cell {
				places[i] = pictureBox{steps[i], pictureMargin + depth*(boxWidth+columnGap), y + laneHead + row*(boxHeight+rowGap)}
			}
		}
		y += height
	}
	p.height = y
	for i, s := range steps {
		box, ok := places[i]
		if !ok {
			continue
		}
		p.boxes = append(p.boxes, box)
		for _, cause := range s.Causes {
			if from, ok := places[cause]; ok {
				p.wires = append(p.wires, pictureWire{wire(from, box), s.State(), steps[cause].Forgotten && s.Kind == FlowEvent})
			}
		}
	}
	return p
}

// wire leads from the right edge of a box to the left edge of another; it turns just before the other one, so that what leads to
// the same column turns in the same gap.
func wire(from, to pictureBox) string {
	x1, y1, x2, y2 := from.x+boxWidth, from.y+boxHeight/2, to.x-5, to.y+boxHeight/2
	if y1 == y2 {
		return fmt.Sprintf("M%d %dH%d", x1, y1, x2)
	}
	turn := x2 + 5 - columnGap
	return fmt.Sprintf("M%d %dH%dC%d %d %d %d %d %d", x1, y1, turn, turn+columnGap/2, y1, turn+columnGap/2, y2, x2, y2)
}

// viewBox is what of its plane the picture shows.
func (p picture) viewBox() string {
	return "0 0 " + strconv.Itoa(p.width) + " " + strconv.Itoa(p.height)
}

// at moves a group to the place of a box.
func (b pictureBox) at() string { return fmt.Sprintf("translate(%d %d)", b.x, b.y) }

// name is the title of the step, as far as it fits; of entries, whose second line is the amount, with how many there are.
func (b pictureBox) name(ctx context.Context) string {
	if b.step.Kind == FlowEntry && b.step.Count > 1 {
		return b.step.title(ctx) + " " + times(ctx, b.step.Count)
	}
	return clip(b.step.title(ctx), 24)
}

// detail is the second line of a box: how many, and how long they took.
func (b pictureBox) detail(ctx context.Context, d FlowData) string {
	s := b.step
	switch {
	case s.Kind == FlowCommand:
		return clip(d.Command.by(ctx), 26)
	case s.Kind == FlowEntry:
		return Money(ctx, s.Amount)
	case s.Kind == FlowJob && s.Ran != nil && s.Count == 1:
		return T(ctx, "flow.ran", "Time", Elapsed(ctx, s.Ran.Middle))
	case s.Kind == FlowJob && s.Ran != nil:
		return times(ctx, s.Count) + " · " + Elapsed(ctx, s.Ran.Middle)
	case s.Count == 1:
		return s.kindName(ctx)
	}
	return times(ctx, s.Count)
}

// moment is the third line of a box: when it was there, or how it is doing.
func (b pictureBox) moment(ctx context.Context) string {
	if b.step.State() != FlowDone {
		return T(ctx, "flow.state_"+string(b.step.State()))
	}
	if b.step.Kind == FlowCommand {
		if b.step.Until == 0 {
			return "0"
		}
		return Elapsed(ctx, b.step.Until)
	}
	return after(ctx, b.step.Until)
}

// share is how far along the whole a moment is, from 0 to boxWidth, for the bar at the foot of a box.
func (d FlowData) share(t time.Duration) int {
	whole := d.until(func(FlowStep) bool { return true })
	if whole <= 0 {
		return 0
	}
	return int(int64(t) * (boxWidth - 24) / int64(whole))
}

// bar is where in the whole a step began and how long it went on: the place and width of a bar that can be seen.
func (b pictureBox) bar(d FlowData) (x, width string) {
	begin, end := d.share(b.step.At), d.share(b.step.Until)
	width = strconv.Itoa(max(3, end-begin))
	return strconv.Itoa(12 + min(begin, boxWidth-24-3)), width
}

// times is how many there are: "× 9,984".
func times(ctx context.Context, n int) string { return "×" + nbsp + Number(ctx, n) }

// clip cuts a text that is longer than some characters.
func clip(text string, length int) string {
	runes := []rune(text)
	if len(runes) <= length {
		return text
	}
	return string(slices.Concat(runes[:length-1], []rune("…")))
}
