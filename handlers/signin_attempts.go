package handlers

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"
)

const (
	signInTimeout  = 10 * time.Minute
	signInAttempts = 8
)

// signInAttempt is one way to the provider and back. Each has its own secrets, so that two tabs can sign in at once.
type signInAttempt struct {
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	ReturnTo string    `json:"return_to"`
	At       time.Time `json:"at"`
}

// rememberAttempt keeps an attempt in the session and returns the state by which its answer will name it. Attempts that
// took too long are forgotten, and the oldest beyond eight.
func (s *sessions) rememberAttempt(ctx context.Context, attempt signInAttempt) (state string, err error) {
	attempts, err := s.attempts(ctx, attempt.At)
	if err != nil {
		return "", err
	}
	for len(attempts) >= signInAttempts {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(attempts)), func(a, b string) int {
			return attempts[a].At.Compare(attempts[b].At)
		})
		delete(attempts, oldest)
	}
	state = rand.Text()
	attempts[state] = attempt
	return state, s.put(ctx, sessionAttempts, attempts)
}

// takeAttempt returns the attempt that a state names, once.
func (s *sessions) takeAttempt(ctx context.Context, state string, now time.Time) (attempt signInAttempt, ok bool, err error) {
	attempts, err := s.attempts(ctx, now)
	if err != nil {
		return attempt, false, err
	}
	if attempt, ok = attempts[state]; !ok {
		return attempt, false, nil
	}
	delete(attempts, state)
	return attempt, true, s.put(ctx, sessionAttempts, attempts)
}

// attempts returns those that may still be answered.
func (s *sessions) attempts(ctx context.Context, now time.Time) (map[string]signInAttempt, error) {
	attempts := map[string]signInAttempt{}
	if err := s.get(ctx, sessionAttempts, &attempts); err != nil {
		return nil, err
	}
	maps.DeleteFunc(attempts, func(_ string, a signInAttempt) bool { return now.Sub(a.At) > signInTimeout })
	return attempts, nil
}
