package main

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"ates/views/viewstest"
)

// TestPasskeysInABrowser_WebAuthn_L2 is the whole way with a real browser and an authenticator built into it.
func TestPasskeysInABrowser_WebAuthn_L2(t *testing.T) {
	t.Parallel()
	database := demoCompany.URL(t)
	p := start(t, demo(database))
	require.Contains(t, p.address, "://localhost:", "passkeys are for names")
	tab := enter(t, p.address, "worker")
	// What is refused is logged by the browser as well.
	tab.Forgive("422")
	_, err := chromedp.Call(tab.Context(), webauthn.Enable, webauthn.EnableParams{})
	require.NoError(t, err)
	device, err := chromedp.Call(tab.Context(), webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		},
	})
	require.NoError(t, err)
	recognizes := func(person bool) {
		_, err := chromedp.Call(tab.Context(), webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: device.AuthenticatorID, IsUserVerified: person})
		require.NoError(t, err)
	}
	signOut := func() {
		tab.Wait("document.readyState === 'complete'")
		tab.Do(chromedp.Evaluate[chromedp.Void]("document.querySelector(`form[action='/logout']`).submit()"))
		tab.Wait("document.readyState === 'complete' && document.querySelector('#password') && !document.querySelector('form[data-passkey]').hidden")
	}
	const failed = "form[data-passkey] [role=alert]"

	tab.Click(".personal summary")
	tab.Click(".personal a[href='/auth/passkeys']")
	tab.WaitText("h1", "Passkeys")
	tab.WaitText(".empty", "You have no passkeys")
	recognizes(false)
	tab.Type("#name", "Mirror")
	tab.Press("\r")
	tab.WaitText(failed, "No passkey was made")
	recognizes(true)
	tab.Click("form[data-passkey] button")
	tab.WaitText(".flash", "The passkey was added.")
	tab.WaitText("main", "Mirror")
	tab.Accessible()
	tab.Type("#name", "The same again")
	tab.Press("\r")
	tab.WaitText(failed, "This device has a passkey of yours already.")

	signOut()
	recognizes(false)
	tab.Click("form[data-passkey] button")
	tab.WaitText(failed, "No passkey was used")
	recognizes(true)
	tab.Click("form[data-passkey] button")
	tab.WaitText(".personal-name", "Ann Lorikeet")
	require.Equal(t, 1, number(t, dial(t, database), "select count(*) from auth.passkeys where used_at is not null and sign_count > 0"))
	require.Equal(t, 1, number(t, dial(t, database), "select count(*) from log.commands where name = 'auth.AddPasskey'"), "it is on record")

	tab.Open(p.address + "/auth/passkeys")
	tab.Click("form[action$='/remove'] button")
	tab.WaitText(".flash", "The passkey was removed.")
	signOut()
	tab.Click("form[data-passkey] button")
	tab.WaitText("#sign-in-error", "This passkey does not let you in")
	require.Empty(t, viewstest.Value[string](tab, "document.querySelector('#password').value"))

	// Without JavaScript there is a form for a password, and nothing that could not work.
	_, page := nobody(t, p.address).get("/login")
	require.Regexp(t, `<form[^>]+data-passkey="get"[^>]+ hidden>`, page)
	status, _ := signIn(t, p.address, "worker").get("/auth/passkeys")
	require.Equal(t, http.StatusOK, status)
}
