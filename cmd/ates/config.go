package main

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/currency"

	"ates/domain/accounting"
	"ates/jobs"
)

// database says which Postgres to use.
type database struct {
	URL     string `name:"database-url" env:"DATABASE_URL" placeholder:"URL" help:"Postgres 15 or newer; a private one is started when this is empty."`
	Direct  string `name:"database-direct-url" env:"DATABASE_DIRECT_URL" placeholder:"URL" help:"Postgres itself, where DATABASE_URL leads to a pooler that lends connections for a transaction (default: DATABASE_URL)."`
	Replica string `name:"database-replica-url" env:"DATABASE_REPLICA_URL" placeholder:"URL" help:"A streaming standby of the database, for pages that read much (default: none)."`
	Data    string `name:"data" env:"ATES_DATA" placeholder:"DIR" help:"Where the private Postgres keeps its data (default: a folder of the user)."`
}

// company is what differs from one company to another.
type company struct {
	TimeZone string `name:"time-zone" env:"ATES_TIME_ZONE" default:"UTC" help:"Time zone of the business day, such as Europe/Berlin."`
	Currency string `name:"currency" env:"ATES_CURRENCY" default:"USD" help:"ISO 4217 code of the money."`
}

// books are the company's, or an error that names the variable at fault.
func (c company) books() (accounting.Books, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil || c.TimeZone == "" || c.TimeZone == "Local" {
		return accounting.Books{}, fmt.Errorf("ATES_TIME_ZONE is %q, which is no time zone; use a name such as UTC or Europe/Berlin", c.TimeZone)
	}
	unit, err := currency.ParseISO(c.Currency)
	if err != nil {
		return accounting.Books{}, fmt.Errorf("ATES_CURRENCY is %q, which is no currency; use an ISO 4217 code such as USD", c.Currency)
	}
	digits, _ := currency.Standard.Rounding(unit)
	books := accounting.Books{Zone: zone, Unit: 1}
	for range digits {
		books.Unit *= 10
	}
	return books, nil
}

// payouts say how workers are paid.
type payouts struct {
	Provider string `name:"payouts" env:"ATES_PAYOUTS" default:"book" help:"How payouts are paid: book (in the books only) or file (a bank file for each day)."`
	Debtor   string `name:"payout-debtor" env:"ATES_PAYOUT_DEBTOR" placeholder:"NAME" help:"Bank files: the company's name."`
	IBAN     string `name:"payout-iban" env:"ATES_PAYOUT_IBAN" placeholder:"IBAN" help:"Bank files: the company's account that is charged."`
	BIC      string `name:"payout-bic" env:"ATES_PAYOUT_BIC" placeholder:"BIC" help:"Bank files: the code of the company's bank, where the bank wants it."`
}

// provider pays the company's workers, or is an error that names the variable at fault.
func (p payouts) provider(c company, books accounting.Books) (accounting.PayoutProvider, error) {
	switch p.Provider {
	case "book":
		return accounting.InBooks{}, nil
	case "file":
	default:
		return nil, fmt.Errorf("ATES_PAYOUTS is %q; use book or file", p.Provider)
	}
	file := accounting.PayoutFile{
		Books: books, Currency: c.Currency, Debtor: strings.TrimSpace(p.Debtor),
		IBAN: strings.ReplaceAll(p.IBAN, " ", ""), BIC: strings.TrimSpace(p.BIC),
	}
	if n := utf8.RuneCountInString(file.Debtor); n == 0 || n > 140 {
		return nil, errors.New("ATES_PAYOUT_DEBTOR must be the company's name, of up to 140 characters, when ATES_PAYOUTS is file")
	}
	if !accounting.ValidIBAN(file.IBAN) {
		return nil, fmt.Errorf("ATES_PAYOUT_IBAN is %q, which is no IBAN; name the company's account when ATES_PAYOUTS is file", p.IBAN)
	}
	if file.BIC != "" && !accounting.ValidBIC(file.BIC) {
		return nil, fmt.Errorf("ATES_PAYOUT_BIC is %q, which is no BIC; use one such as COBADEFFXXX, or none", p.BIC)
	}
	return file, nil
}

// mailing says how mails leave.
type mailing struct {
	SMTP string `name:"smtp-url" env:"SMTP_URL" placeholder:"URL" help:"Mail server, such as smtps://user:password@mail.example.com (default: mails are kept, to be read at /ops/mail)."`
	From string `name:"mail-from" env:"ATES_MAIL_FROM" placeholder:"ADDRESS" help:"Sender of mails, such as aTES <ates@example.com>."`
}

// server is the mail server, nil when there is none, or an error that names the variable at fault and no password.
func (m mailing) server() (*jobs.MailServer, error) {
	if m.SMTP == "" {
		if m.From != "" {
			return nil, errors.New("ATES_MAIL_FROM is set, but SMTP_URL names no mail server; set both or none")
		}
		return nil, nil
	}
	const right = "use an address such as smtp://user:password@mail.example.com:587 or smtps://mail.example.com" //nolint:gosec // an example of an address, with nobody's password
	u, err := url.Parse(m.SMTP)
	if err != nil {
		return nil, errors.New("SMTP_URL cannot be read; " + right)
	}
	server := &jobs.MailServer{Host: u.Hostname(), From: m.From, TLS: u.Scheme == "smtps", User: u.User.Username()}
	server.Password, _ = u.User.Password()
	switch {
	case u.Scheme != "smtp" && u.Scheme != "smtps", server.Host == "", strings.Trim(u.Path, "/") != "", u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("SMTP_URL is %q; %s", u.Redacted(), right)
	case u.Port() != "":
		if server.Port, err = strconv.Atoi(u.Port()); err != nil || server.Port < 1 || server.Port > 65535 {
			return nil, fmt.Errorf("SMTP_URL is %q, whose port is none; %s", u.Redacted(), right)
		}
	case server.TLS:
		server.Port = 465
	case server.User != "":
		server.Port = 587
	default:
		server.Port = 25
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return nil, fmt.Errorf("ATES_MAIL_FROM is %q; with SMTP_URL it must be an address such as aTES <ates@example.com>", m.From)
	}
	return server, nil
}

// site is where the program listens and how people reach it.
type site struct {
	Addr      string `name:"addr" env:"ATES_ADDR" default:"localhost:8080" help:"Address to listen on."`
	PublicURL string `name:"public-url" env:"ATES_PUBLIC_URL" placeholder:"URL" help:"How people reach it (default: http:// and the address)."`
	Probes    string `name:"probes-addr" env:"ATES_PROBES_ADDR" placeholder:"ADDRESS" help:"Another address for /healthz, /readyz and /metrics, the only one of a process without pages (default: none)."`
	Metrics   string `name:"metrics-token" env:"ATES_METRICS_TOKEN" placeholder:"TOKEN" help:"Bearer token for /metrics (default: for this machine only)."`
	Proxies   string `name:"trusted-proxies" env:"ATES_TRUSTED_PROXIES" placeholder:"CIDR,..." help:"Proxies in front whose X-Forwarded-For is believed, such as 10.0.0.0/8 (default: none)."`
}

// probes are the address of the probes, "" when they have none of their own, or an error that names the variable at fault.
func (s site) probes() (string, error) {
	if s.Probes == "" {
		return "", nil
	}
	if _, _, err := net.SplitHostPort(s.Probes); err != nil {
		return "", fmt.Errorf("ATES_PROBES_ADDR is %q, which is no address to listen on; use host:port such as localhost:9090", s.Probes)
	}
	return s.Probes, nil
}

// trustedProxies are the networks of the proxies, or an error that names the variable at fault.
func (s site) trustedProxies() (proxies []netip.Prefix, err error) {
	for _, text := range strings.FieldsFunc(s.Proxies, func(r rune) bool { return r == ',' || r == ' ' }) {
		proxy, err := netip.ParsePrefix(text)
		if address, bare := netip.ParseAddr(text); bare == nil {
			proxy, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		// Peers are compared as what they are, so a network of IPv4 written in IPv6 would hold none of them.
		if address := proxy.Addr(); address.Is4In6() {
			proxy = netip.PrefixFrom(address.Unmap(), proxy.Bits()-96)
		}
		if err != nil || !proxy.IsValid() {
			return nil, fmt.Errorf("ATES_TRUSTED_PROXIES has %q, which is no network; use a list such as 10.0.0.0/8,192.168.1.7", text)
		}
		proxies = append(proxies, proxy)
	}
	return proxies, nil
}

// publicURL is the address that people use, without a slash at the end, or an error that names the variable at fault.
func (s site) publicURL() (string, error) {
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return "", fmt.Errorf("ATES_ADDR is %q, which is no address to listen on; use host:port such as localhost:8080", s.Addr)
	}
	if s.PublicURL == "" {
		if host == "" || net.ParseIP(host).IsUnspecified() {
			host = "localhost"
		}
		return "http://" + net.JoinHostPort(host, port), nil
	}
	u, err := url.Parse(s.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("ATES_PUBLIC_URL is %q; use an address without a path such as https://tasks.example.com", s.PublicURL)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", fmt.Errorf("ATES_PUBLIC_URL is %q: signing in over plain http is only safe on this machine itself; use https, with a proxy that speaks TLS in front", s.PublicURL)
	}
	return u.Scheme + "://" + u.Host, nil
}

// loopback reports whether a host is this machine itself.
func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
