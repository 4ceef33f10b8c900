package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/domain"
	"ates/domain/auth"
	"ates/sql/dbsqlc"
)

// providerSignIn is what the login page shows. Its form posts request, login and password to /auth/login; each button of
// the demo posts request and demo.
type providerSignIn struct {
	Request string
	Login   string
	// Passkeys says that a passkey can answer the request too.
	Passkeys bool
	// Refused is why the last try failed; nil the first time.
	Refused *domain.Refusal
	// Demo are the people whom one click lets in, none when the program does not show itself off.
	Demo []*auth.RegisterPerson
}

// showSignIn shows the login page. A page of yesterday or of another browser leads to a fresh one.
func (p *provider) showSignIn(w http.ResponseWriter, r *http.Request) error {
	asked, ok, err := p.askedBy(r, r.URL.Query().Get("request"))
	if err != nil {
		return err
	}
	if !ok {
		http.Redirect(w, r, p.home(), http.StatusSeeOther)
		return nil
	}
	return p.showSignInFor(w, r, asked, "", nil)
}

func (p *provider) showSignInFor(w http.ResponseWriter, r *http.Request, asked providerAsked, login string, refused *domain.Refusal) error {
	return p.Pages.SignIn(w, r, providerSignIn{
		Request: asked.ID.String(), Login: login, Passkeys: p.relyingParty != nil, Refused: refused, Demo: p.demoPeople(),
	})
}

// signIn checks a login and a password, what a passkey has signed, or the click on a person of the demo, and grants the request that led here.
func (p *provider) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := parseOnce(r); err != nil {
		return err
	}
	asked, ok, err := p.askedBy(r, r.PostForm.Get("request"))
	if err != nil {
		return err
	}
	if !ok {
		return refuseExpired()
	}
	person, amr, err := p.recognize(r, asked)
	if refusal := (*domain.Refusal)(nil); errors.As(err, &refusal) && (refusal.Kind == domain.Invalid || refusal.Kind == domain.TooSoon) {
		return p.showSignInFor(w, r, asked, r.PostForm.Get("login"), refusal)
	}
	if err != nil {
		return err
	}
	who := providerPerson{ID: person.ID, AuthTime: p.Now(), AMR: amr}
	if err := p.startSession(w, r, who); err != nil {
		return err
	}
	if slices.Contains(amr, "pwd") {
		p.rememberBrowser(w, person.Login)
	}
	return p.grant(w, r, asked, who)
}

// recognize returns who sent the form, and how that is known (RFC 8176).
func (p *provider) recognize(r *http.Request, asked providerAsked) (person auth.Person, amr []string, err error) {
	switch {
	case r.PostForm.Has("passkey"):
		person, err = p.recognizePasskey(r.Context(), asked.Browser, r.PostForm.Get("passkey"))
		return person, []string{"hwk", "user"}, err
	case r.PostForm.Has("demo"):
		person, err = p.recognizeDemo(r.Context(), r.PostForm.Get("demo"))
		return person, []string{}, err
	}
	login := r.PostForm.Get("login")
	person, err = auth.SignIn{
		Login: login, Password: r.PostForm.Get("password"),
		Address: clientAddress(r, p.TrustedProxies), Browser: p.knownBrowser(r, login), Now: p.Now(),
	}.Authenticate(r.Context(), p.DB)
	if refusal := (*domain.Refusal)(nil); errors.As(err, &refusal) && refusal.Kind == domain.TooSoon {
		// Not the login: people type passwords where it belongs.
		slog.WarnContext(r.Context(), "a sign-in has to wait", "why", refusal.Code, "address", clientAddress(r, p.TrustedProxies), "wait", refusal.RetryAfter)
	}
	return person, []string{"pwd"}, err
}

// recognizeDemo returns the person of the demo with that login, and refuses where there is no demo.
func (p *provider) recognizeDemo(ctx context.Context, login string) (person auth.Person, err error) {
	isDemo := func(d *auth.RegisterPerson) bool { return d.Login == login }
	if !slices.ContainsFunc(p.demoPeople(), isDemo) {
		return person, &domain.Refusal{Kind: domain.Forbidden, Code: "auth.no_demo", Message: "This entry is closed."}
	}
	person, err = auth.FindPersonByLogin(ctx, p.DB, login)
	if err == nil && person.Status != auth.Active {
		err = &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.demo_deactivated", Field: "login",
			Message: "This person of the demo has been deactivated. Choose another.",
		}
	}
	return person, err
}

func (p *provider) demoPeople() []*auth.RegisterPerson {
	if !p.Demo {
		return nil
	}
	return auth.DemoPeople()
}

// askedBy finds the request that waits for its person in this browser.
func (p *provider) askedBy(r *http.Request, request string) (asked providerAsked, ok bool, err error) {
	if asked.ID, err = uuid.Parse(request); err != nil {
		return asked, false, nil //nolint:nilerr // what is no id is that of no request
	}
	if asked.Browser, ok = p.browser(r); !ok {
		return asked, false, nil
	}
	_, err = p.queries.FindOpenAuthorization(r.Context(), dbsqlc.FindOpenAuthorizationParams{
		ID: asked.ID, BrowserHash: asked.Browser, Now: p.Now(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return asked, false, nil
	}
	if err != nil {
		return asked, false, fmt.Errorf("find authorization request: %w", err)
	}
	return asked, true, nil
}
