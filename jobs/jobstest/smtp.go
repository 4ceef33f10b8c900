package jobstest

import (
	"bufio"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// SMTP is a mail server of RFC 5321 in the test's process, as small as a client needs it to be real.
type SMTP struct {
	t        testing.TB
	listener net.Listener
	group    sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]bool
	received []Mail
	tried    int
	behave   func(command, argument string) Behaviour
}

// Mail is a mail that the server has taken.
type Mail struct {
	To      string
	Message *mail.Message
	// Raw is the mail as it came, headers and all.
	Raw string
}

// Behaviour is how the server answers one command when it does not do as it should: after a while, with other words, or, with
// Hang, not at all and by hanging up. A mail whose end is answered with another code than 250 is not taken, unless Take is true.
type Behaviour struct {
	After  time.Duration
	Answer string
	Hang   bool
	Take   bool
}

// NewSMTP starts a mail server, which stops when the test ends.
func NewSMTP(t testing.TB) *SMTP {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &SMTP{t: t, listener: listener, open: map[net.Conn]bool{}}
	s.group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[conn] = true
			s.mu.Unlock()
			s.group.Go(func() { s.converse(conn) })
		}
	})
	t.Cleanup(s.Stop)
	return s
}

// Port is where the server listens, on 127.0.0.1.
func (s *SMTP) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// Stop ends the server and its conversations.
func (s *SMTP) Stop() {
	_ = s.listener.Close() // A second time is no fault: tests stop servers, and so does their end.
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
}

// Behave makes the server answer commands in its own way: HELLO is the greeting, END the end of a mail. Nil, and the zero
// Behaviour, is as it should be.
func (s *SMTP) Behave(as func(command, argument string) Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behave = as
}

// Received are the mails that the server has taken so far.
func (s *SMTP) Received() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.received...)
}

// Tried is how many conversations were begun.
func (s *SMTP) Tried() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tried
}

// answer answers a command and reports whether the conversation goes on and the command was accepted.
func (s *SMTP) answer(conn net.Conn, command, argument, usual string) (goesOn, accepted bool) {
	s.mu.Lock()
	as := s.behave
	s.mu.Unlock()
	var b Behaviour
	if as != nil {
		b = as(command, argument)
	}
	time.Sleep(b.After) // a slow server is what some tests are about
	if b.Hang {
		return false, b.Take
	}
	if b.Answer != "" {
		_, err := fmt.Fprint(conn, b.Answer, "\r\n")
		return err == nil && !strings.HasPrefix(b.Answer, "421"), b.Take
	}
	_, err := fmt.Fprint(conn, usual, "\r\n")
	return err == nil, true
}

func (s *SMTP) converse(conn net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.open, conn)
		s.mu.Unlock()
		_ = conn.Close()
	}()
	s.mu.Lock()
	s.tried++
	s.mu.Unlock()
	lines := bufio.NewReader(conn)
	goesOn, _ := s.answer(conn, "HELLO", "", "220 mail.example ESMTP")
	var to string
	for goesOn {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		command, argument, _ := strings.Cut(strings.TrimSpace(line), " ")
		usual := "250 OK"
		switch command = strings.ToUpper(command); command {
		case "EHLO":
			usual = "250-mail.example\r\n250 8BITMIME"
		case "DATA":
			usual = "354 go ahead"
		case "QUIT":
			usual = "221 bye"
		}
		var accepted bool
		if goesOn, accepted = s.answer(conn, command, argument, usual); !accepted {
			continue
		}
		switch command {
		case "RCPT":
			to = strings.Trim(strings.TrimPrefix(strings.ToUpper(argument), "TO:"), "<>")
			to = strings.ToLower(to)
		case "DATA":
			goesOn = s.take(conn, lines, to)
		case "QUIT":
			return
		}
	}
}

// take reads a mail and keeps it if it is accepted.
func (s *SMTP) take(conn net.Conn, lines *bufio.Reader, to string) (goesOn bool) {
	var raw strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	goesOn, accepted := s.answer(conn, "END", to, "250 taken")
	if !accepted {
		return goesOn
	}
	message, err := mail.ReadMessage(strings.NewReader(raw.String()))
	if err != nil {
		s.t.Errorf("a mail that cannot be read: %v\n%s", err, raw.String())
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received = append(s.received, Mail{to, message, raw.String()})
	return goesOn
}
