package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/currency"

	"ates/domain/accounting"
)

// database says which Postgres to use.
type database struct {
	URL  string `name:"database-url" env:"DATABASE_URL" placeholder:"URL" help:"Postgres 15 or newer; a private one is started when this is empty."`
	Data string `name:"data" env:"ATES_DATA" placeholder:"DIR" help:"Where the private Postgres keeps its data (default: a folder of the user)."`
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

// site is where the program listens and how people reach it.
type site struct {
	Addr      string `name:"addr" env:"ATES_ADDR" default:"localhost:8080" help:"Address to listen on."`
	PublicURL string `name:"public-url" env:"ATES_PUBLIC_URL" placeholder:"URL" help:"How people reach it (default: http:// and the address)."`
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
