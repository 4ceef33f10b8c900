package views

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"

	"ates/domain"
	"ates/static"
)

// office is a small program behind the views: a board in memory, and an event stream that a test can cut, silence and refuse.
// It keeps the rules of the real one where a browser notices them.
type office struct {
	URL string

	mu    sync.Mutex
	tasks []TaskRow
	flash *Flash
	// log is what has changed; a cursor is a place in it.
	log []string
	// streams are those open now; connects are the cursors they all came with, "since/last event id".
	streams  []*stream
	connects []string
	// requests are the others, as "GET /tasks?q=x", those for a fragment with its name behind a blank.
	requests []string
	// refuse is the status to refuse new streams with, unless it is 0.
	refuse int
	// holds keep back the answers to requests that begin like their names.
	holds map[string]chan struct{}
	// answers stand in for the usual answers to requests such as "GET /tasks/7".
	answers map[string]http.HandlerFunc
}

type stream struct {
	events chan string
	cut    chan struct{}
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{holds: map[string]chan struct{}{}, answers: map[string]http.HandlerFunc{}}
	for n := range 30 {
		o.tasks = append(o.tasks, o.task(n+1, fmt.Sprintf("Feather %d", n+1)))
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /live", o.live)
	mux.HandleFunc("GET /tasks", o.board)
	mux.HandleFunc("POST /tasks", o.create)
	mux.HandleFunc("GET /tasks/new", o.form)
	mux.HandleFunc("GET /palette", o.palette)
	mux.HandleFunc("GET /tasks/{id}", o.show)
	mux.HandleFunc("POST /tasks/{id}/resolve", o.resolve)
	mux.HandleFunc("GET /tasks/assign", o.confirm)
	mux.HandleFunc("POST /tasks/assign", o.assign)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<title>login</title>") })
	mux.HandleFunc("GET /foreign", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<title>foreign</title>") })
	mux.HandleFunc("POST /preferences", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.FormValue("return_to"), http.StatusSeeOther)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", contentSecurityPolicy)
		w.Header().Set("Cache-Control", "no-store")
		o.receive(r)
		o.mu.Lock()
		answer := o.answers[r.Method+" "+r.URL.Path]
		o.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	o.URL = server.URL
	return o
}

// receive notes a request, and waits while requests of its kind are held.
func (o *office) receive(r *http.Request) {
	if strings.HasPrefix(r.URL.Path, static.Prefix) || r.URL.Path == "/live" {
		return
	}
	request := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + fragment(r))
	o.mu.Lock()
	o.requests = append(o.requests, request)
	var held chan struct{}
	for prefix, hold := range o.holds {
		if strings.HasPrefix(request, prefix) {
			held = hold
		}
	}
	o.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}
}

// fragment is the name of the element that asks for itself, if one does.
func fragment(r *http.Request) string {
	if r.Header.Get("HX-Request-Type") != "partial" {
		return ""
	}
	_, name, _ := strings.Cut(r.Header.Get("HX-Target"), "#")
	return name
}

func (o *office) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if name := fragment(r); name != "" {
		_ = templ.RenderFragments(r.Context(), w, c, name)
		return
	}
	_ = c.Render(r.Context(), w)
}

func (o *office) page(r *http.Request) Page {
	p := page(domain.Manager).at(r.URL.RequestURI())
	p.Now = time.Now()
	p.Cursor = strconv.Itoa(len(o.log))
	if fragment(r) == "" {
		p.Flash, o.flash = o.flash, nil
	}
	return p
}

func (o *office) task(number int, description string) TaskRow {
	return TaskRow{
		ID: fmt.Sprint(number), Number: number, Status: StatusOpen, Description: description,
		Assignee: Person{"ann", "Ann Lorikeet"}, Prices: &Prices{1500, 3000}, Since: time.Now(),
		Resolve: &ResolveForm{Key: "resolve-" + fmt.Sprint(number), Assignment: 1},
	}
}

func (o *office) boardData(r *http.Request) BoardData {
	d := BoardData{Address: r.URL.RequestURI(), MayAssign: true}
	d.Filter = BoardFilter{Query: r.FormValue("q"), Status: r.FormValue("status"), Assignee: r.FormValue("assignee"), Sort: TaskSort(r.FormValue("sort"))}
	d.Assignees = []Option{{"ann", "Ann Lorikeet"}}
	for _, task := range slices.Backward(o.tasks) {
		if task.Status == StatusOpen {
			d.Open++
		} else {
			d.Resolved++
		}
		if strings.Contains(task.Description, d.Filter.Query) && strings.Contains(task.Status, d.Filter.Status) {
			d.Tasks = append(d.Tasks, task)
		}
	}
	d.Matches = len(d.Tasks)
	if d.Filter.Sort == SortOldest {
		slices.Reverse(d.Tasks)
	}
	return d
}

func (o *office) board(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.render(w, r, http.StatusOK, Board(o.page(r), o.boardData(r)))
}

func (o *office) create(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	description := r.FormValue("description")
	if strings.TrimSpace(description) == "" || strings.Contains(description, "refuse") {
		form := NewTaskForm{Key: "new", Description: description, ReturnTo: r.FormValue("return_to"), Message: "Describe the task: the description is empty."}
		o.render(w, r, http.StatusUnprocessableEntity, NewTask(o.page(r), form))
		return
	}
	o.tasks = append(o.tasks, o.task(len(o.tasks)+1, description))
	o.flash = &Flash{Kind: FlashDone, Text: fmt.Sprintf("T-%d was created.", len(o.tasks))}
	http.Redirect(w, r, r.FormValue("return_to"), http.StatusSeeOther)
}

func (o *office) form(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.render(w, r, http.StatusOK, NewTask(o.page(r), NewTaskForm{Key: "new", ReturnTo: "/tasks"}))
}

func (o *office) palette(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := PaletteData{Query: r.FormValue("q"), MayAssign: true}
	for _, task := range o.tasks {
		if d.Query != "" && strings.Contains(task.Description, d.Query) {
			d.Tasks = append(d.Tasks, task)
		}
	}
	if fragment(r) != "" {
		o.render(w, r, http.StatusOK, PaletteFound(o.page(r), d))
		return
	}
	o.render(w, r, http.StatusOK, Palette(o.page(r), d))
}

func (o *office) show(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.render(w, r, http.StatusOK, Task(o.page(r), o.taskData(r, "")))
}

func (o *office) taskData(r *http.Request, conflict string) TaskData {
	number, _ := strconv.Atoi(r.PathValue("id"))
	task := o.tasks[number-1]
	return TaskData{Task: task, Creator: Person{"max", "Max Macaw"}, Assignments: 1, Conflict: conflict,
		History: []TaskEvent{{ID: "1", Kind: TaskCreated, At: task.Since}}}
}

func (o *office) resolve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	number, _ := strconv.Atoi(r.PathValue("id"))
	task := &o.tasks[number-1]
	if task.Status == StatusResolved {
		o.render(w, r, http.StatusConflict, Task(o.page(r), o.taskData(r, "It is resolved already.")))
		return
	}
	task.Status, task.Resolve = StatusResolved, nil
	o.flash = &Flash{Kind: FlashDone, Text: taskName(number) + " is resolved."}
	http.Redirect(w, r, r.FormValue("return_to"), http.StatusSeeOther)
}

func (o *office) confirm(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.render(w, r, http.StatusOK, Assign(o.page(r), AssignData{Key: "assign", Open: len(o.tasks), Workers: 8}))
}

func (o *office) assign(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flash = &Flash{Kind: FlashDone, Text: "All tasks were drawn."}
	http.Redirect(w, r, "/tasks", http.StatusSeeOther)
}

func (o *office) live(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	since, last := r.FormValue("since"), r.Header.Get("Last-Event-ID")
	o.connects = append(o.connects, since+"/"+last)
	if o.refuse != 0 {
		status := o.refuse
		o.mu.Unlock()
		http.Error(w, "refused", status)
		return
	}
	from, _ := strconv.Atoi(since)
	if last != "" {
		from, _ = strconv.Atoi(last)
	}
	s := &stream{events: make(chan string, 100), cut: make(chan struct{})}
	for i, topics := range o.log[from:] {
		s.events <- event(from+i+1, topics)
	}
	o.streams = append(o.streams, s)
	o.mu.Unlock()

	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.streams = slices.DeleteFunc(o.streams, func(other *stream) bool { return other == s })
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "event: hello\nretry: 50\ndata: {\"cursor\":\"%d\"}\n\n", from)
	for {
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case e := <-s.events:
			fmt.Fprint(w, e)
		case <-s.cut:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func event(cursor int, topics string) string {
	return fmt.Sprintf("id: %d\nevent: change\ndata: %s\n\n", cursor, topics)
}

// change does something and tells the streams of it.
func (o *office) change(do func(), topics ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if do != nil {
		do()
	}
	list, _ := json.Marshal(topics)
	o.log = append(o.log, string(list))
	for _, s := range o.streams {
		s.events <- event(len(o.log), string(list))
	}
}

// say sends an event that is no change.
func (o *office) say(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		s.events <- "event: " + name + "\ndata: {}\n\n"
	}
}

// cut ends all streams.
func (o *office) cut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.streams {
		close(s.cut)
	}
}

// hold keeps back the answers to requests that begin like this, and returns what lets them go.
func (o *office) hold(request string) (release func()) {
	held := make(chan struct{})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds[request] = held
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.holds, request)
		close(held)
	}
}

func (o *office) answer(request string, with http.HandlerFunc) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers[request] = with
}

func (o *office) refuseStreams(status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refuse = status
}

// count is how many requests have been like this.
func (o *office) count(request string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, r := range o.requests {
		if r == request {
			n++
		}
	}
	return n
}

// opened returns what the streams so far have come with.
func (o *office) opened() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.connects)
}

func (o *office) open() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.streams)
}
