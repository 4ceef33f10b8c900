package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/uuid"

	"ates/domain"
	"ates/sql/dbsqlc"
)

// recordCommands notes that commands of a kind were asked for, and returns those that were not before; repeats have a firstAnswer. They are
// noted in the order of their keys, so that two transactions with the same ones wait for each other in one direction.
func recordCommands(ctx context.Context, tx domain.Tx, all []*asked) (fresh []*asked, err error) {
	all = slices.SortedStableFunc(slices.Values(all), func(a, b *asked) int {
		one, other := a.cmd.Requested(), b.cmd.Requested()
		return cmp.Or(bytes.Compare(one.By.ID[:], other.By.ID[:]), cmp.Compare(one.Key, other.Key))
	})
	rows := dbsqlc.RecordCommandsParams{Name: commandName(all[0].cmd), OccurredAt: tx.Now}
	of := make(map[uuid.UUID]*asked, len(all))
	for _, a := range all {
		input, err := record(a.cmd)
		if err != nil {
			return nil, err
		}
		of[a.id] = a
		request := a.cmd.Requested()
		rows.Ids, rows.Actors, rows.Keys = append(rows.Ids, a.id), append(rows.Actors, request.By.ID), append(rows.Keys, request.Key)
		rows.Inputs, rows.RequestIds = append(rows.Inputs, string(input)), append(rows.RequestIds, domain.RequestID(a.ctx))
	}
	recorded, err := dbsqlc.New(tx).RecordCommands(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("record commands: %w", err)
	}
	for _, id := range recorded {
		fresh = append(fresh, of[id])
	}
	return fresh, nil
}

// firstAnswer gives a repeated command the answer that the first one got.
func firstAnswer(ctx context.Context, tx domain.Tx, cmd domain.RequestedCommand) error {
	q := dbsqlc.New(tx)
	// Whoever asks again may do so because the first commit still waits for a standby when its request ends: what is seen of it here is then
	// on this server alone. This transaction writes a little, so that its own commit waits for the standby as well, and with it for the first.
	if err := q.AwaitReplication(ctx); err != nil {
		return fmt.Errorf("wait for the first commit to be replicated: %w", err)
	}
	input, err := record(cmd)
	if err != nil {
		return err
	}
	request := cmd.Requested()
	first, err := q.FindOutcome(ctx, dbsqlc.FindOutcomeParams{Input: input, Actor: request.By.ID, Name: commandName(cmd), Key: request.Key})
	if err != nil {
		return fmt.Errorf("find the first answer: %w", err)
	}
	if !first.Same {
		return &domain.Refusal{Kind: domain.Conflict, Code: "command.key_used",
			Message: "This form was sent before with other content. Check what you typed and send it once more."}
	}
	if err := json.Unmarshal(first.Outcome, cmd); err != nil {
		return fmt.Errorf("read the first answer: %w", err)
	}
	return nil
}

// recordOutcomes keeps what commands answered with the records of them.
func (b *Bus) recordOutcomes(ctx context.Context, tx domain.Tx, all []*asked) error {
	rows := dbsqlc.RecordOutcomesParams{DoneAt: b.moment()}
	for _, a := range all {
		outcome, err := record(a.cmd)
		if err != nil {
			return err
		}
		rows.Ids, rows.Outcomes = append(rows.Ids, a.id), append(rows.Outcomes, string(outcome))
	}
	if err := dbsqlc.New(tx).RecordOutcomes(ctx, rows); err != nil {
		return fmt.Errorf("record the answers: %w", err)
	}
	return nil
}

// recordClockCommand notes a command that the clock asked for and that told something.
func (b *Bus) recordClockCommand(ctx context.Context, tx domain.Tx, id uuid.UUID, cmd domain.Command) error {
	err := dbsqlc.New(tx).RecordClockCommand(ctx, dbsqlc.RecordClockCommandParams{ID: id, Name: commandName(cmd), OccurredAt: tx.Now, DoneAt: b.moment()})
	if err != nil {
		return fmt.Errorf("record command: %w", err)
	}
	return nil
}

// record is a command as it is kept. Postgres has no place for the character NUL, which no command accepts, but which must not
// keep it from being refused in its own words.
func record(cmd domain.RequestedCommand) ([]byte, error) {
	encoded, err := json.Marshal(cmd)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", commandName(cmd), err)
	}
	return bytes.ReplaceAll(encoded, []byte(`\u0000`), []byte(`\ufffd`)), nil
}

// commandName is the command's type, such as "tracker.AssignTasks".
func commandName(cmd domain.Command) string {
	return strings.TrimPrefix(reflect.TypeOf(cmd).String(), "*")
}
