package auth

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/alexedwards/argon2id"
)

// What a stored hash may ask of us: more than hashParams, so that they can grow, and so little that four at once harm nobody.
const (
	maxHashMemory      = 64 * 1024 // KiB
	maxHashIterations  = 8
	maxHashParallelism = 4
	minHashSalt        = 8 // bytes, as minHashKey
	minHashKey         = 16
	maxHashPart        = 64
)

var errHashMalformed = errors.New("the stored hash is not one of ours")

// compareHash reports whether a stored hash is that of a password. A hash that has been damaged is an error before anything is
// worked out: as it stands it could stop the program, take all of its memory, or, cut short, fit any password.
func compareHash(password, hash string) (match bool, err error) {
	p, salt, key, err := argon2id.DecodeHash(hash)
	if err != nil {
		return false, errors.Join(errHashMalformed, err)
	}
	encode := base64.RawStdEncoding.EncodeToString
	switch {
	case p.Memory < 1, p.Memory > maxHashMemory, p.Iterations < 1, p.Iterations > maxHashIterations,
		p.Parallelism < 1, p.Parallelism > maxHashParallelism,
		len(salt) < minHashSalt, len(salt) > maxHashPart, len(key) < minHashKey, len(key) > maxHashPart:
		return false, errHashMalformed
	// The decoder reads past what it does not expect.
	case hash != fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism, encode(salt), encode(key)):
		return false, errHashMalformed
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}
