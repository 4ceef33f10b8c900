package tracker

import (
	"embed"
	"fmt"
	"sync"

	"ates/domain"
)

//go:embed schemas/*.json
var schemas embed.FS

// Contract is how the tracker's events look.
var Contract = sync.OnceValue(func() *domain.Contract { return domain.MustContract(schemas, "schemas") })

// Upcast makes today's event of what stands in the log, in whatever version it was told. The data must hold to the schema of that
// version. A version that this program does not know is domain.ErrUnknownEvent.
func Upcast(name string, version int, data []byte) (domain.EventData, error) {
	switch name {
	case TaskCreated{}.EventName():
		return domain.Decode[TaskCreated](version, data)
	case TaskAssigned{}.EventName():
		return domain.Decode[TaskAssigned](version, data)
	case TaskResolved{}.EventName():
		return domain.Decode[TaskResolved](version, data)
	case TasksDrawn{}.EventName():
		return domain.Decode[TasksDrawn](version, data)
	}
	return nil, fmt.Errorf("%s of the tracker %w", name, domain.ErrUnknownEvent)
}
