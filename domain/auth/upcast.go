package auth

import (
	"embed"
	"fmt"
	"sync"

	"ates/domain"
)

//go:embed schemas/*.json
var schemas embed.FS

// Contract is how the Auth-Service's events look.
var Contract = sync.OnceValue(func() *domain.Contract { return domain.MustContract(schemas, "schemas") })

// Upcast makes today's event of what stands in the log, in whatever version it was told. The data must hold to the schema of that
// version. A version that this program does not know is domain.ErrUnknownEvent.
func Upcast(name string, version int, data []byte) (domain.EventData, error) {
	switch name {
	case UserRegistered{}.EventName():
		return domain.Decode[UserRegistered](version, data)
	case UserUpdated{}.EventName():
		return domain.Decode[UserUpdated](version, data)
	case UserRoleChanged{}.EventName():
		return domain.Decode[UserRoleChanged](version, data)
	case UserDeactivated{}.EventName():
		return domain.Decode[UserDeactivated](version, data)
	case UserReactivated{}.EventName():
		return domain.Decode[UserReactivated](version, data)
	}
	return nil, fmt.Errorf("%s of the Auth-Service %w", name, domain.ErrUnknownEvent)
}
