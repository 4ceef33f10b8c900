package accounting

import (
	"embed"
	"fmt"
	"sync"

	"ates/domain"
)

//go:embed schemas/*.json
var schemas embed.FS

// Contract is how Accounting's events look.
var Contract = sync.OnceValue(func() *domain.Contract { return domain.MustContract(schemas, "schemas") })

// Upcast makes today's event of what stands in the log, in whatever version it was told. The data must hold to the schema of that
// version. A version that this program does not know is domain.ErrUnknownEvent.
func Upcast(name string, version int, data []byte) (domain.EventData, error) {
	switch name {
	case TaskPriced{}.EventName():
		return domain.Decode[TaskPriced](version, data)
	case BalanceChanged{}.EventName():
		return domain.Decode[BalanceChanged](version, data)
	case DayEnded{}.EventName():
		return domain.Decode[DayEnded](version, data)
	case DayClosed{}.EventName():
		return domain.Decode[DayClosed](version, data)
	case BalanceReset{}.EventName():
		return domain.Decode[BalanceReset](version, data)
	case PayoutCommitted{}.EventName():
		return domain.Decode[PayoutCommitted](version, data)
	}
	return nil, fmt.Errorf("%s of Accounting %w", name, domain.ErrUnknownEvent)
}
