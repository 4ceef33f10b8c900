package tracker

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

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
		if version == 1 {
			return upcastCreated(data)
		}
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

// upcastCreated reads a Task.Created version 1, which told a Jira id as part of the description. What it told is old news and is not
// refused: a title of then may have square brackets.
func upcastCreated(data []byte) (domain.EventData, error) {
	var v1 struct {
		TaskID      uuid.UUID `json:"task_id"`
		Number      int64     `json:"number"`
		Description string    `json:"description"`
		CreatedBy   uuid.UUID `json:"created_by"`
		CreatedAt   time.Time `json:"created_at"`
	}
	if err := json.Unmarshal(data, &v1); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	about := wordsOf(v1.Description)
	return TaskCreated{
		TaskID: v1.TaskID, Number: v1.Number, JiraID: about.jiraID, Title: about.title, CreatedBy: v1.CreatedBy, CreatedAt: v1.CreatedAt,
	}, nil
}
