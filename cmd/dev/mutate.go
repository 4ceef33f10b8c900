package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// mutation takes a guard out, in a copy of its file that the compiler is given instead, and names the test that must fail then.
type mutation struct {
	guard string
	edits []edit
	// test fails without the guard; it is in the package of the folder.
	folder, test string
}

// edit puts one text, which the file has exactly once, in the place of another.
type edit struct{ file, old, new string }

// mutations are the guards on which the promises rest. A new guard is a line here.
func mutations() []mutation {
	const (
		bus        = "jobs/bus.go"
		ledger     = "sql/dbsqlc/accounting_ledger.sql.go"
		accounting = "sql/migrations/00004_accounting.sql"
		days       = "sql/migrations/00005_accounting_days.sql"
	)
	return []mutation{
		{"the outbox: jobs commit with their command", []edit{{bus, "b.river.InsertManyTx(ctx, tx.Tx, jobs)", "b.river.InsertMany(ctx, jobs)"}},
			"jobs", "TestACommandIsDoneWholeOrNotAtAll"},
		{"the natural key of a fee, in the database", []edit{{accounting, "create unique index fee_once_per_assignment on", "create index fee_once_per_assignment on"}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"the natural key of a reward, in the database", []edit{{accounting, "create unique index reward_once_per_task on", "create index reward_once_per_task on"}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"the natural key of a reset, in the database", []edit{{days, "create unique index reset_once_per_day on", "create index reset_once_per_day on"}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"the natural key of a payout, in the database", []edit{{days, "create unique index payout_once_per_day on", "create index payout_once_per_day on"}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"a fee that is there is left alone", []edit{{ledger, "not ($10 = 'fee' and exists", "not (false and exists"}}, "domain/accounting", "TestARepeatBooksNothing"},
		{"a reward that is there is left alone", []edit{{ledger, "not ($10 = 'reward' and exists", "not (false and exists"}}, "domain/accounting", "TestARepeatBooksNothing"},
		{"wallets are locked in one order", []edit{{ledger, "'wallet', $2::timestamptz order by id", "'wallet', $2::timestamptz order by random()"}, {ledger, "order by id for no key update", "order by random() for no key update"}},
			"jobs", "TestBooksHoldUnderRandomWork"},
		{"joint commands: an error of the commit is nobody's second try", []edit{{"jobs/joint.go", "if err == nil || handled {", "if err == nil || handled && false {"}},
			"jobs", "TestNobodyOfAFailedCommitIsTriedAgain"},
		{"joint commands: those that fail together are as they were", []edit{{"jobs/joint.go", "if !a.over {", "if false {"}},
			"jobs", "TestCommandsThatFailTogetherAreAsTheyWereWhenEachIsTriedAlone"},
		{"joint work: who has gone on alone is in no group", []edit{{"jobs/gathering.go", "g.waiting = slices.Delete(g.waiting, at, at+1)", "_ = at"}},
			"jobs", "TestNobodyWaitsForLongForAGroupThatHangs"},
		{"joint jobs: each command has its own runs", []edit{{"jobs/complete.go", "if at, ok := of[e.CorrelationID]; ok {", "if at, ok := of[e.CorrelationID]; ok || len(of) > 0 {"}},
			"jobs", "TestCommandsOfTheMomentShareATransactionAndEachHasItsOwnAnswer"},
		{"joint jobs: only kinds that may share a transaction work for several commands", []edit{{"jobs/reactions.go", "|| another && !r.together {", "{"}},
			"jobs", "TestEventsOfSeveralCommandsShareJobsWhereTheirKindCan"},
		{"joint jobs: a flow has only its own", []edit{{"handlers/flow_steps.go", "continue // it works", "// it works"}},
			"handlers", "TestAFlowLeavesOutTheJobsOfOthersInItsBatch"},
		{"the board: tasks are locked in one order", []edit{{"sql/dbsqlc/tracker_board.sql.go", "as reward\n) n\norder by n.task", "as reward\n) n\norder by random()"}},
			"jobs", "TestTheBoardIsChangedInTheOrderOfItsTasks"},
		{"joint jobs: a group keeps no lock on a job of others", []edit{{"jobs/group.go", "&waits); err != nil || !waits {", "&waits); err != nil {"}},
			"jobs", "TestAGroupKeepsNoLockOnAJobThatIsSomebodyElses"},
		{"shared parts: a rendering knows what the page was told of", []edit{{"handlers/sharing.go", "p.knows >= told &&", "p.knows >= 0 &&"}},
			"handlers", "TestAPartIsRenderedOnceForAChange"},
		{"shared parts: they are made for nobody in particular", []edit{{"handlers/sharing.go", "p.Person = auth.Person{Role: p.Person.Role, Status: p.Person.Status}", "_ = auth.Person{}"}},
			"handlers", "TestAPartIsRenderedOnceForAChange"},
		{"shared parts: a form is shown to whom it is for", []edit{{"handlers/sharing.go", "if made == nil || made.apart[p.Person.ID] {", "if made == nil {"}},
			"handlers", "TestAPartIsMadeForThoseItConcerns"},
		{"fenced completion: only who has the job ends it", []edit{{"jobs/complete.go", "if ours != n {", "if false {"}}, "jobs", "TestAJobThatWasTakenOverHasOneEffect"},
		{"the watermark: a day waits for its events", []edit{{"jobs/close_day.go", "where j.kind = any($1) and", "where false and j.kind = any($1) and"}},
			"jobs", "TestADayIsClosedWhenItsEventsAreBookedOrTheGracePeriodIsOver"},
		{"a resolve is of the assignment that was seen", []edit{{"sql/dbsqlc/tracker_tasks.sql.go", "and ($5::int is null or assignment = $5::int)", "and ($5::int is null or true)"}},
			"domain/tracker", "TestWhoResolvesAfterAReassignmentIsToldOfIt"},
		{"a resolve is of one's own task", []edit{{"sql/dbsqlc/tracker_tasks.sql.go", "and ($4::uuid is null or assignee = $4::uuid)", "and ($4::uuid is null or true)"}},
			"domain/tracker", "TestWhoMayResolve"},
		{"resolved is final", []edit{{"sql/dbsqlc/tracker_tasks.sql.go", "where id = $3 and status = 'open'", "where id = $3"}}, "domain/tracker", "TestResolvedIsFinal"},
		{"idempotency keys: a form that comes again gets the first answer", []edit{{bus, "if repeated = len(fresh) == 0; repeated {", "if repeated = len(fresh) == 0; false {"}},
			"jobs", "TestTheSameFormSentAgainGetsTheSameAnswer"},
		{"a commit that no standby has is not answered", []edit{{bus, "return pgpool.Replicated(held.Conn())", "return nil"}}, "jobs", "TestWhatNoStandbyHasIsNotAnswered"},
		{"nor is what another request has committed", []edit{{"jobs/record.go", "if err := q.AwaitReplication(ctx); err != nil {", "if err := error(nil); err != nil {"}}, "jobs", "TestWhatNoStandbyHasIsNotAnswered"},
		{"an event that breaks its schema is not told", []edit{{bus, "if wrong := <-checked; wrong != nil {", "if wrong := <-checked; false {"}}, "jobs", "TestACommandIsDoneWholeOrNotAtAll"},
		{"an event that breaks its schema is not read", []edit{{"jobs/reactions.go", "if err := check(e); err != nil {", "if err := check(e); false {"}}, "jobs", "TestAnEventThatCannotBeReadSaysWhy"},
		{"a process takes only jobs of kinds that it knows", []edit{{"jobs/client.go", "FetchOnlyKnownKinds: true", "FetchOnlyKnownKinds:  false"}}, "jobs", "TestAKindThatAProcessDoesNotKnowWaitsForOneThatDoes"},
		{"session tombstones: an ended session is never written back", []edit{{"sql/dbsqlc/auth_sessions.sql.go", "touched_at = excluded.touched_at\nwhere auth.sessions.revoked_at is null\n", "touched_at = excluded.touched_at, revoked_at = null\n"}},
			"handlers", "TestSignedOutSessionsDoNotComeBack_ASVS_3_3_1"},
		{"a mail is claimed before it is sent", []edit{{"sql/dbsqlc/accounting_messages.sql.go", "where m.id = p.id and m.channel = 'mail' and m.state = 'waiting'", "where m.id = p.id and m.state in ('waiting', 'sending', 'sent')"}},
			"jobs", "TestAMailThatAKilledProcessWasSendingIsLeftAlone"},
		{"the ledger is append only", []edit{{accounting, "create trigger append_only before update or delete or truncate on accounting.transfers\n    for each statement execute function log.refuse_change();", ""}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"a price never changes", []edit{{accounting, "create trigger price_is_final before update on", "create trigger price_is_final before insert on"}},
			"sql/migrations", "TestTheDatabaseRefusesWhatMustNotBe"},
		{"seals are of what has been committed", []edit{{"jobs/settled.go", "if !running || time.Since(begin) > within {", "if running = false; time.Since(begin) >= 0 {"}},
			"jobs", "TestWhatIsStillBeingWrittenIsNotSealed"},
		{"a seal is of the seal before it", []edit{{"sql/migrations/00020_seals.sql", "create function accounting.seal_digest(previous bytea, number bigint, last bigint, row_count bigint, digests bytea) returns bytea\nlanguage sql immutable parallel safe as $$\n    select sha256(coalesce(previous, ''::bytea) ||", "create function accounting.seal_digest(previous bytea, number bigint, last bigint, row_count bigint, digests bytea) returns bytea\nlanguage sql immutable parallel safe as $$\n    select sha256("}},
			"jobs", "TestWhatWasSealedCannotBeChangedUnnoticed"},
	}
}

// mutateCommand shows that the tests would notice.
type mutateCommand struct {
	Guards []string `arg:"" optional:"" help:"Words of the guards to take out; all when none is given."`
}

// Run takes out one guard after the other and requires that its test fails each time.
func (c mutateCommand) Run(ctx context.Context) error {
	missed := 0
	for _, m := range mutations() {
		if len(c.Guards) > 0 && !slices.ContainsFunc(c.Guards, func(words string) bool { return strings.Contains(m.guard, words) }) {
			continue
		}
		begin := time.Now()
		caught, err := m.caught(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.guard, err)
		}
		verdict := "caught by"
		if !caught {
			verdict = "MISSED by"
			missed++
		}
		fmt.Printf("%-60s %s ates/%s %s (%.1fs)\n", m.guard, verdict, m.folder, m.test, time.Since(begin).Seconds())
	}
	if missed > 0 {
		fmt.Printf("%d guards can be taken out without a test that fails\n", missed)
		return errFailed
	}
	return nil
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\w+)|^panic: test timed out`)

// caught reports whether the test fails without the guard. That the test cannot be compiled or is not there is an error.
func (m mutation) caught(ctx context.Context) (bool, error) {
	dir, err := os.MkdirTemp("", "ates-mutation-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	content := map[string]string{}
	for _, e := range m.edits {
		if content[e.file], err = e.apply(content[e.file]); err != nil {
			return false, err
		}
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for file, text := range content {
		there, err := filepath.Abs(file)
		if err != nil {
			return false, err
		}
		here := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(here, []byte(text), 0o600); err != nil {
			return false, err
		}
		overlay.Replace[there] = here
	}
	encoded, err := json.Marshal(overlay)
	if err != nil {
		return false, err
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, encoded, 0o600); err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=3m", "-overlay="+list, "-run=^"+m.test+"$", "./"+m.folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil && strings.Contains(string(out), "no tests to run"):
		return false, errors.New("there is no such test")
	case err != nil && !failedTest.Match(out):
		return false, fmt.Errorf("go test: %w\n%s", err, out)
	}
	return err != nil, nil
}

// apply edits the text of a file, which is read when there is none yet.
func (e edit) apply(text string) (string, error) {
	if text == "" {
		content, err := os.ReadFile(e.file)
		if err != nil {
			return "", err
		}
		text = string(content)
	}
	if n := strings.Count(text, e.old); n != 1 {
		return "", fmt.Errorf("%s has %q %d times", e.file, e.old, n)
	}
	return strings.Replace(text, e.old, e.new, 1), nil
}
