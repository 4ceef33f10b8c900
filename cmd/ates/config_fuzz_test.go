package main

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ates/domain/accounting"
	"ates/handlers"
)

// Whatever is configured, it is refused with the name of its variable and without a secret, or is read as what can be used.
func FuzzConfiguration(f *testing.F) {
	for _, text := range []string{
		"10.0.0.0/8, 192.168.1.7 2001:db8::/32,::1%eth0", "10.0.0.0/33", "::ffff:10.0.0.1/100",
		"https://tasks.example.com/", "http://localhost:8080", "http://[::1%25a]:8080", "https://ann:secret-of-ann@tasks.example.com", "HTTPS://ÄTES.example:99999999",
		"smtp://ates:secret-of-ates@mail.example.com:587", "smtps://mail.example.com", "smtp://:0", "smtp://ates:%zz-secret@mail.example.com", "smtp://mail.example.com:587/?x#y",
		"https://login.microsoftonline.com/common/v2.0", "https://id.example.com/realms/company",
		"Europe/Berlin", "../../etc/passwd", "Local", "JPY", "usd", "xxx",
		"DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "XK051212012345678906", "COBADEFFXXX", "cobadeff",
		`[{"id":"diary","secret":"a secret of the diary, drawn at random","redirect_uris":["https://diary.example/callback","http://a.localhost/x"],"offline_access":true}]`,
		`[{"id":"ates"}] []`, `[{"id":"a","secret":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","redirect_uris":["https://a;script-src *"]}]`, "[", "null",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		requireBooks(t, text)
		requireProxies(t, text)
		requirePublicURL(t, text)
		requireMailServer(t, text)
		requireIssuer(t, text)
		requireAccount(t, text)
		requireClients(t, text)
		requireCollector(t, text)
	})
}

func requireCollector(t *testing.T, text string) {
	t.Helper()
	address, err := tracing{TracesEndpoint: text}.endpoint()
	if err != nil {
		require.ErrorContains(t, err, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
		requireSecretKept(t, text, err)
		return
	}
	if text != "" {
		require.Regexp(t, `(?i)^https?://`, address)
	}
}

func requireBooks(t *testing.T, text string) {
	t.Helper()
	for variable, c := range map[string]company{"ATES_TIME_ZONE": {TimeZone: text, Currency: "USD"}, "ATES_CURRENCY": {TimeZone: "UTC", Currency: text}} {
		books, err := c.books()
		if err != nil {
			require.ErrorContains(t, err, variable)
			continue
		}
		require.NotNil(t, books.Zone)
		require.Regexp(t, "^10*$", strconv.FormatInt(books.Unit, 10))
	}
}

func requireProxies(t *testing.T, text string) {
	t.Helper()
	proxies, err := site{Proxies: text}.trustedProxies()
	if err != nil {
		require.ErrorContains(t, err, "ATES_TRUSTED_PROXIES")
		require.Empty(t, proxies)
		return
	}
	written := make([]string, len(proxies))
	for i, proxy := range proxies {
		require.True(t, proxy.IsValid() && proxy.Contains(proxy.Addr().Unmap()), "%q holds its own address", text)
		written[i] = proxy.String()
	}
	again, err := site{Proxies: strings.Join(written, ",")}.trustedProxies()
	require.NoError(t, err)
	require.Equal(t, append([]netip.Prefix{}, proxies...), append([]netip.Prefix{}, again...))
}

func requirePublicURL(t *testing.T, text string) {
	t.Helper()
	public, err := site{Addr: "localhost:8080", PublicURL: text}.publicURL()
	if err != nil {
		require.ErrorContains(t, err, "ATES_PUBLIC_URL")
		return
	}
	u, err := url.Parse(public)
	require.NoError(t, err)
	require.True(t, u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()), "passwords travel to %s", public)
	require.Empty(t, u.Path+u.RawQuery+u.Fragment+u.User.String())
	again, err := site{Addr: "localhost:8080", PublicURL: public}.publicURL()
	require.NoError(t, err)
	require.Equal(t, public, again)
}

func requireMailServer(t *testing.T, text string) {
	t.Helper()
	server, err := mailing{SMTP: text, From: "aTES <ates@example.com>"}.server()
	if err != nil {
		require.ErrorContains(t, err, "SMTP_URL")
		requireSecretKept(t, text, err)
		return
	}
	if server != nil {
		require.NotEmpty(t, server.Host)
		require.True(t, server.Port >= 1 && server.Port <= 65535, "port %d", server.Port)
	}
	_, err = mailing{SMTP: "smtp://mail.example.com", From: text}.server()
	if err != nil {
		require.ErrorContains(t, err, "ATES_MAIL_FROM")
	}
}

// requireSecretKept fails the test where an error tells the password of an address.
func requireSecretKept(t *testing.T, text string, err error) {
	t.Helper()
	u, unreadable := url.Parse(text)
	_, other := mailing{SMTP: "smtp://:0", From: "ates@example.com"}.server()
	if unreadable != nil {
		require.True(t, len(text) < 20 || !strings.Contains(err.Error(), text), "%v", err)
		return
	}
	// What stands elsewhere in the address, or in what would be right, is no secret.
	if password, _ := u.User.Password(); password != "" && !strings.Contains(u.Redacted()+other.Error(), password) {
		require.NotContains(t, err.Error(), password)
	}
}

func requireIssuer(t *testing.T, text string) {
	t.Helper()
	provider, err := openID{Issuer: text, ClientID: "ates", ClientSecret: "secret"}.openIDProvider()
	if err != nil {
		require.Regexp(t, "^OIDC_", err.Error())
		return
	}
	if provider != nil {
		u, err := url.Parse(provider.Issuer)
		require.NoError(t, err)
		require.True(t, u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()), "secrets travel to %s", provider.Issuer)
	}
}

// requireAccount fails the test where an account is taken for another one: the check digits of ISO 13616 find every wrong digit.
func requireAccount(t *testing.T, text string) {
	t.Helper()
	provider, err := payouts{Provider: "file", Debtor: "UberPopug", IBAN: text}.provider(company{Currency: "USD"}, accounting.Books{})
	if err != nil {
		require.ErrorContains(t, err, "ATES_PAYOUT_IBAN")
	} else {
		iban := provider.(accounting.PayoutFile).IBAN
		require.Regexp(t, `^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`, iban)
		for i, digit := range iban {
			if digit >= '0' && digit <= '9' {
				require.False(t, accounting.ValidIBAN(iban[:i]+string('0'+(digit-'0'+1)%10)+iban[i+1:]), "%s with another digit %d", iban, i)
			}
		}
	}
	provider, err = payouts{Provider: "file", Debtor: "UberPopug", IBAN: "DE89370400440532013000", BIC: text}.provider(company{Currency: "USD"}, accounting.Books{})
	if err != nil {
		require.ErrorContains(t, err, "ATES_PAYOUT_BIC")
	} else if bic := provider.(accounting.PayoutFile).BIC; bic != "" {
		require.Regexp(t, `^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`, bic)
	}
}

// requireClients fails the test where the other programs are others when they are read again, or people would be sent to them in the
// open or by an address that ends the policy that lists it.
func requireClients(t *testing.T, text string) {
	t.Helper()
	registered, err := handlers.ReadClients(strings.NewReader(text))
	if err != nil {
		require.Empty(t, registered)
		return
	}
	written, err := json.Marshal(registered)
	require.NoError(t, err)
	again, err := handlers.ReadClients(strings.NewReader(string(written)))
	require.NoError(t, err)
	require.Equal(t, registered, again)
	for _, client := range registered {
		for _, uri := range client.RedirectURIs {
			u, err := url.Parse(uri)
			require.NoError(t, err)
			require.True(t, u.Scheme == "https" || loopback(u.Hostname()), "codes travel to %s", uri)
			require.NotRegexp(t, `[\s;,'"*\x00-\x1f]`, u.Scheme+"://"+u.Host)
		}
	}
}
