package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// openStream is the stream of events of an open page, compressed as browsers ask for it.
type openStream struct {
	conn  net.Conn
	lines *bufio.Reader
	// publication is that of the last change.
	publication string
}

// follow opens the stream of a page of this person, from an address of this machine where one is given.
func (v *visitor) follow(ctx context.Context, from net.IP) (s *openStream, err error) {
	u, err := url.Parse(v.address)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	dialer := net.Dialer{Timeout: time.Minute}
	if from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	conn, err := dialer.DialContext(ctx, "tcp4", u.Host)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address+"/live", nil)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	for _, cookie := range v.client.Jar.Cookies(u) {
		req.AddCookie(cookie)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	const small = 512                                                    // of which there are many
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, small), req) //nolint:bodyclose // the connection is what is closed
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("a stream was answered with %d", res.StatusCode)
	}
	var body io.Reader = res.Body
	if res.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			return nil, fmt.Errorf("open a stream: %w", err)
		}
	}
	s = &openStream{conn: conn, lines: bufio.NewReaderSize(body, small)}
	for event := ""; event != "hello"; {
		if event, _, err = s.next(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// next waits for the next event.
func (s *openStream) next() (event, data string, err error) {
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return "", "", fmt.Errorf("read a stream: %w", err)
		}
		line = strings.TrimSpace(line)
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "" && event != "":
			return event, data, nil
		case name == "event":
			event = value
		case name == "data":
			data = value
		}
	}
}

// nextChange waits for the next event that names changed topics.
func (s *openStream) nextChange() (topics []string, err error) {
	for {
		event, data, err := s.next()
		if err != nil {
			return nil, err
		}
		switch event {
		case "publication":
			if err := json.Unmarshal([]byte(data), &s.publication); err != nil {
				return nil, fmt.Errorf("read a publication: %w", err)
			}
		case "change":
			if err := json.Unmarshal([]byte(data), &topics); err != nil {
				return nil, fmt.Errorf("read a change: %w", err)
			}
			return topics, nil
		case "bye":
			return nil, errors.New("a stream was told that its session is over")
		}
	}
}

func (s *openStream) close() { _ = s.conn.Close() }

// ear listens to a stream for topics that somebody waits for.
type ear struct {
	stream *openStream
	ended  chan error
	mu     sync.Mutex
	topics map[string]chan time.Time
}

// listen begins to. The ear must be closed.
func (s *openStream) listen() *ear {
	e := &ear{stream: s, ended: make(chan error, 1), topics: map[string]chan time.Time{}}
	go func() {
		for {
			topics, err := s.nextChange()
			if err != nil {
				e.ended <- err
				return
			}
			e.heard(topics)
		}
	}()
	return e
}

func (e *ear) heard(topics []string) {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	everything := slices.Contains(topics, "*")
	for topic, told := range e.topics {
		if everything || slices.Contains(topics, topic) {
			told <- now
			delete(e.topics, topic)
		}
	}
}

// expect tells when a topic is heard of for the first time from now on.
func (e *ear) expect(topic string) <-chan time.Time {
	told := make(chan time.Time, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.topics[topic] = told
	return told
}

func (e *ear) close() { e.stream.close() }
