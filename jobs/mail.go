package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// MailServer is the SMTP server through which mails leave.
type MailServer struct {
	Host string
	Port int
	// User and Password are empty where the server asks for none.
	User, Password string
	// TLS is spoken from the first byte on. Otherwise the connection changes to it when the server can, and must before a
	// password goes to another machine.
	TLS bool
	// From is the sender's address, with or without a name.
	From string
	// Patience is how long the server may take over one mail; 0 is 30 seconds.
	Patience time.Duration
}

// outgoing is a mail as it is about to leave.
type outgoing struct {
	// ID names the mail for ever, in the characters of a Message-ID's left side.
	ID                  string
	Name, Address       string
	Subject, Text, HTML string
}

// Why a mail did not leave. Any other error means that the server did not take it now.
var (
	// errRefused: the server will not take it, ever.
	errRefused = errors.New("the mail server refuses it")
	// errUnclear: the server has all of it and did not say whether it took it.
	errUnclear = errors.New("the mail server may have taken it")
)

// mailConversation is an open connection to the mail server.
type mailConversation struct {
	client *mail.Client
	from   string
	end    func()
	// over is whether nothing more can be said: the connection broke, or the server is about to close it.
	over bool
}

// dial greets the mail server. The connection is cut when the context ends.
func (s *MailServer) dial(ctx context.Context) (*mailConversation, error) {
	patience := s.Patience
	if patience == 0 {
		patience = 30 * time.Second
	}
	release := func() bool { return true }
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(patience), mail.WithTLSPolicy(s.startTLS()), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := s.connect(dialing, network, address)
			if err == nil {
				release = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}),
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	client, err := mail.NewClient(s.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare to reach the mail server: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		release()
		return nil, fmt.Errorf("reach the mail server %s: %w", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), err)
	}
	return &mailConversation{client: client, from: s.From, end: func() {
		release()
		_ = client.Close() // All has been said; a server that does not say goodbye takes nothing back.
	}}, nil
}

// connect opens the connection, which the client then finds to be one of TLS by itself.
func (s *MailServer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if s.TLS {
		dialer := tls.Dialer{Config: &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}}
		return dialer.DialContext(ctx, network, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

// startTLS says whether a connection that begins in the clear may stay so.
func (s *MailServer) startTLS() mail.TLSPolicy {
	here := s.Host == "localhost" || net.ParseIP(s.Host).IsLoopback()
	if s.User != "" && !s.TLS && !here {
		return mail.TLSMandatory
	}
	return mail.TLSOpportunistic
}

// addressee is whom a mail is for, as a header can say it whatever the name has in it.
func addressee(name, address string) (*netmail.Address, error) {
	bare, err := netmail.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	// In a name that has to be encoded net/mail leaves a backslash bare, where RFC 2047 section 5 allows none.
	return &netmail.Address{Name: strings.ReplaceAll(name, `\`, "/"), Address: bare.Address}, nil
}

// send hands a mail to the server. It is taken exactly when the error is nil, or perhaps when it is errUnclear.
func (c *mailConversation) send(m outgoing) error {
	msg := mail.NewMsg()
	if err := msg.From(c.from); err != nil {
		return fmt.Errorf("write the sender: %w", err)
	}
	to, err := addressee(m.Name, m.Address)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	msg.AddToMailAddress(to)
	_, host, _ := strings.Cut(strings.TrimRight(c.from, "> "), "@")
	msg.SetMessageIDWithValue(m.ID + "@" + host)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: out-of-office replies stay away
	msg.Subject(m.Subject)
	msg.SetBodyString(mail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)

	err = c.client.Send(msg)
	if err == nil || msg.IsDelivered() {
		return nil
	}
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		c.over = true
		return fmt.Errorf("send: %w", err)
	}
	c.over = failed.ErrorCode() == 0 || failed.ErrorCode() == 421
	switch permanent := failed.ErrorCode() >= 500; failed.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		if permanent {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		if failed.Reason == mail.ErrSMTPDataClose && failed.ErrorCode() == 0 {
			return fmt.Errorf("%w: %w", errUnclear, err)
		}
	default:
	}
	return fmt.Errorf("send: %w", err)
}
