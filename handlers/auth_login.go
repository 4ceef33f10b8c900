package handlers

import (
	"errors"
	"fmt"
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
	return p.Pages.SignIn(w, r, providerSignIn{Request: asked.ID.String(), Demo: p.demoPeople()})
}

// signIn checks a login and a password, or the click on a person of the demo, and grants the request that led here.
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
	person, amr, err := p.recognize(r)
	if refusal := (*domain.Refusal)(nil); errors.As(err, &refusal) && refusal.Kind == domain.Invalid {
		return p.Pages.SignIn(w, r, providerSignIn{
			Request: asked.ID.String(), Login: r.PostForm.Get("login"), Refused: refusal, Demo: p.demoPeople(),
		})
	}
	if err != nil {
		return err
	}
	who := providerPerson{ID: person.ID, AuthTime: p.Now(), AMR: amr}
	if err := p.startSession(w, r, who); err != nil {
		return err
	}
	return p.grant(w, r, asked, who)
}

// recognize returns who sent the form, and how that is known (RFC 8176).
func (p *provider) recognize(r *http.Request) (person auth.Person, amr []string, err error) {
	demo := r.PostForm.Get("demo")
	if demo == "" {
		person, err = auth.Authenticate(r.Context(), p.DB, r.PostForm.Get("login"), r.PostForm.Get("password"))
		return person, []string{"pwd"}, err
	}
	isDemo := func(d *auth.RegisterPerson) bool { return d.Login == demo }
	if !slices.ContainsFunc(p.demoPeople(), isDemo) {
		return person, nil, &domain.Refusal{Kind: domain.Forbidden, Code: "auth.no_demo", Message: "This entry is closed."}
	}
	person, err = auth.FindPersonByLogin(r.Context(), p.DB, demo)
	if err == nil && person.Status != auth.Active {
		err = &domain.Refusal{
			Kind: domain.Invalid, Code: "auth.demo_deactivated", Field: "login",
			Message: "This person of the demo has been deactivated. Choose another.",
		}
	}
	return person, []string{}, err
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
