package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"ates/sql/dbsqlc"
	"ates/views"
)

// What a session holds, by key.
const (
	sessionSubject  = "subject"
	sessionIDToken  = "id_token"
	sessionAttempts = "attempts"
	sessionFlash    = "flash"
	sessionBrowser  = "browser"
)

// sessions are the browsers that know us by a cookie. Whoever is signed in has one with a subject; it lies in Postgres,
// ends after two idle hours or twelve in all, and once ended cannot come back.
type sessions struct {
	manager *scs.SessionManager
	store   *sessionStore
}

// newSessions returns the sessions kept in db. secure says that people reach the program over TLS.
func newSessions(db dbsqlc.DBTX, secure bool, now func() time.Time) *sessions {
	store := &sessionStore{queries: dbsqlc.New(db), now: now}
	manager := scs.New()
	manager.Store = store
	manager.Lifetime = sessionLifetime
	manager.Cookie.Name = cookieName("ates", secure)
	manager.Cookie.Secure = secure
	manager.Cookie.Persist = false
	return &sessions{manager: manager, store: store}
}

// cookieName adds the prefix that ties a cookie to this very host, where browsers honour it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// loadAndSave gives each request its session and keeps what the request changed in it. failed answers when Postgres
// cannot be asked. Streams and static files do without it.
func (s *sessions) loadAndSave(next http.Handler, failed func(http.ResponseWriter, *http.Request, error)) http.Handler {
	s.manager.ErrorFunc = failed
	return s.manager.LoadAndSave(next)
}

// Person returns who is signed in with the session of the request; whether they are still active is for the caller to
// ask. It needs loadAndSave around it.
func (s *sessions) Person(ctx context.Context) (subject uuid.UUID, ok bool) {
	subject, err := uuid.Parse(s.manager.GetString(ctx, sessionSubject))
	return subject, err == nil
}

// Alive returns whose session the request's cookie names, if the session lives and the person is active. It neither needs
// loadAndSave nor counts as use, so an open stream can ask it again and again.
func (s *sessions) Alive(ctx context.Context, r *http.Request) (subject uuid.UUID, ok bool, err error) {
	subject, err = s.store.person(ctx, cookie(r, s.manager.Cookie.Name))
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, false, nil
	}
	if err != nil {
		return uuid.Nil, false, fmt.Errorf("find session: %w", err)
	}
	return subject, true, nil
}

// Own returns the sessions of whoever is signed in, the one used last first.
func (s *sessions) Own(ctx context.Context, subject uuid.UUID) ([]dbsqlc.ListSessionsOfSubjectRow, error) {
	now := s.store.now()
	rows, err := s.store.queries.ListSessionsOfSubject(ctx, dbsqlc.ListSessionsOfSubjectParams{
		Subject: subject, TokenHash: tokenHash(s.manager.Token(ctx)), Now: now, IdleSince: now.Add(-sessionIdle),
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return rows, nil
}

// PutFlash leaves a message for the next page that this session shows.
func (s *sessions) PutFlash(ctx context.Context, flash views.Flash) error {
	return s.put(ctx, sessionFlash, flash)
}

// PopFlash takes the message that was left, nil when there is none.
func (s *sessions) PopFlash(ctx context.Context) (*views.Flash, error) {
	var flash *views.Flash
	err := s.get(ctx, sessionFlash, &flash)
	s.manager.Remove(ctx, sessionFlash)
	return flash, err
}

// peekFlash is the message that was left, as it is kept, and leaveFlash leaves it again.
func (s *sessions) peekFlash(ctx context.Context) []byte {
	return s.manager.GetBytes(ctx, sessionFlash)
}

func (s *sessions) leaveFlash(ctx context.Context, flash []byte) {
	if flash != nil {
		s.manager.Put(ctx, sessionFlash, flash)
	}
}

// put and get keep values as JSON, since the gob encoding of scs would tie them to the names of their types.
func (s *sessions) put(ctx context.Context, key string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s of session: %w", key, err)
	}
	s.manager.Put(ctx, key, data)
	return nil
}

// get leaves value as it is when the session has nothing under the key.
func (s *sessions) get(ctx context.Context, key string, value any) error {
	data := s.manager.GetBytes(ctx, key)
	if data == nil {
		return nil
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("read %s of session: %w", key, err)
	}
	return nil
}

// start signs a person in with a browser, which calls itself userAgent. The session gets a new name, so that nobody who knew the
// old one gets in with it.
func (s *sessions) start(ctx context.Context, subject uuid.UUID, idToken, userAgent string) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	s.manager.Put(ctx, sessionSubject, subject.String())
	s.manager.Put(ctx, sessionIDToken, idToken)
	s.manager.Put(ctx, sessionBrowser, printable(userAgent))
	now := s.store.now()
	if err := s.store.queries.NoteSignIn(ctx, dbsqlc.NoteSignInParams{ID: subject, Now: &now}); err != nil {
		return fmt.Errorf("note sign-in: %w", err)
	}
	return nil
}

// printable is a text that a browser sent, as Postgres can keep it: bounded, and without what is no text.
func printable(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), 256)], "")
	return strings.ReplaceAll(text, "\x00", "")
}

// end signs whoever it is out and returns the ID token they signed in with, "" when nobody was signed in.
func (s *sessions) end(ctx context.Context) (idToken string, err error) {
	idToken = s.manager.GetString(ctx, sessionIDToken)
	if err := s.manager.Destroy(ctx); err != nil {
		return "", fmt.Errorf("end session: %w", err)
	}
	return idToken, nil
}
