package auth

import (
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"ates/sql/sqltest"
)

// cheapHash is the hash of testedPassword, with settings that a fuzzer has time for.
const (
	testedPassword = "correct horse battery"
	cheapHash      = "$argon2id$v=19$m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4"
)

var damagedHashes = []string{
	"",
	"$argon2id$",
	"$argon2id$v=19$m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$",
	"$argon2id$v=19$m=64,t=1,p=1$$",
	"$argon2id$v=19$m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$AA",
	"$argon2id$v=19$m=64,t=0,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=19$m=64,t=1,p=0$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=19$m=0,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=19$m=64,t=1,p=1,x=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=19 $m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2i$v=19$m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$argon2id$v=18$m=64,t=1,p=1$c29tZSBzYWx0IG9mIDE2Yg$dcbwebsbOsLoSmROSzGQtJtZXxlWKmW2zPupV36/uo4",
	"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	strings.Repeat("$", 1000),
}

func TestDamagedHashesLetNobodyIn(t *testing.T) {
	t.Parallel()
	match, err := hashing.match(t.Context(), strangers, testedPassword, cheapHash)
	require.NoError(t, err)
	require.True(t, match)
	match, err = hashing.match(t.Context(), strangers, "wrong", cheapHash)
	require.NoError(t, err)
	require.False(t, match)
	for _, hash := range damagedHashes {
		for _, password := range []string{"", testedPassword} {
			match, err := hashing.match(t.Context(), strangers, password, hash)
			require.ErrorIs(t, err, errHashMalformed, hash)
			require.False(t, match, hash)
		}
	}
}

func TestSomebodyWhoseStoredHashIsDamagedDoesNotComeIn(t *testing.T) {
	t.Parallel()
	tx := sqltest.Tx(t)
	login := "p" + strings.ReplaceAll(uuid.NewString(), "-", "")
	damaged := "$argon2id$v=19$m=64,t=0,p=1$$"
	_, err := tx.Exec(t.Context(), `insert into auth.accounts (id, login, name, email, role, status, version, password_hash, created_at, updated_at)
		values ($1, $2, 'Polly', 'polly@popug.example', 'worker', 'active', 1, $3, now(), now())`, uuid.New(), login, damaged)
	require.NoError(t, err)
	who, err := Authenticate(t.Context(), tx, login, testedPassword)
	require.ErrorIs(t, err, errHashMalformed)
	require.Equal(t, Person{}, who)
}

// Whatever is stored, only the very hash of the password lets it in, and nothing stops the program or makes it hash for long.
func FuzzPasswordHash(f *testing.F) {
	f.Add(cheapHash)
	for _, hash := range damagedHashes {
		f.Add(hash)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if p, _, _, err := argon2id.DecodeHash(hash); err == nil && uint64(p.Memory)*uint64(p.Iterations) > 1<<12 && p.Memory <= maxHashMemory && p.Iterations <= maxHashIterations {
			return // allowed, and so slow that the fuzzer would try nothing else
		}
		match, err := hashing.match(t.Context(), strangers, testedPassword, hash)
		require.Equal(t, hash == cheapHash, match, "%q: %v", hash, err)
	})
}
