package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"ates/domain"
	"ates/domain/accounting"
	"ates/domain/tracker"
	"ates/sql/dbsqlc"
	"ates/views"
)

// toldPlace is where a list of what two contexts told goes on: just below something that one of them noted at a moment. What both noted
// at the same moment is listed Accounting's first.
type toldPlace struct {
	at       time.Time
	producer string
	id       int64
}

// String is the place as addresses have it, such as "2026-03-01T12:00:00Z/tracker/42".
func (p toldPlace) String() string {
	return p.at.UTC().Format(time.RFC3339Nano) + "/" + p.producer + "/" + strconv.FormatInt(p.id, 10)
}

// below is the id below which a context's list goes on at the moment of the place.
func (p toldPlace) below(producer string) int64 {
	switch producer {
	case p.producer:
		return p.id
	case tracker.Producer:
		return math.MaxInt64
	default:
		return 0
	}
}

// before reports whether the place is listed before another.
func (p toldPlace) before(other toldPlace) bool {
	if !p.at.Equal(other.at) {
		return p.at.After(other.at)
	}
	if p.producer != other.producer {
		return p.producer == accounting.Producer
	}
	return p.id > other.id
}

// readToldPlace reads a place; an empty one is the beginning of the list.
func readToldPlace(s string) (p toldPlace, ok bool) {
	if s == "" {
		return toldPlace{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), accounting.Producer, math.MaxInt64}, true
	}
	parts := strings.Split(s, "/")
	if len(parts) != 3 || !isProducer(parts[1]) {
		return p, false
	}
	at, err := time.Parse(time.RFC3339Nano, parts[0])
	if at = at.UTC(); err != nil || at.Year() < 1 || at.Year() > 9999 {
		return p, false
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	return toldPlace{at, parts[1], id}, err == nil
}

func isProducer(s string) bool { return s == tracker.Producer || s == accounting.Producer }

// toldID names something that a context told, such as "tracker-42".
func toldID(producer string, id int64) string { return producer + "-" + strconv.FormatInt(id, 10) }

func readToldID(s string) (producer string, id int64, ok bool) {
	producer, number, _ := strings.Cut(s, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	return producer, id, err == nil && isProducer(producer)
}

// placed is a row with its place in a list of both contexts.
type placed[T any] struct {
	toldPlace
	row T
}

// merge puts rows of both contexts into one page, and returns the place where the next one goes on, if there is one.
func merge[T any](rows []placed[T]) (page []placed[T], next string) {
	slices.SortFunc(rows, func(a, b placed[T]) int {
		if a.before(b.toldPlace) {
			return -1
		}
		return 1
	})
	if len(rows) > rowsOfPage {
		rows = rows[:rowsOfPage]
		next = rows[rowsOfPage-1].String()
	}
	return rows, next
}

// countUnread puts into the frame what the bell shows.
func (h *Handlers) countUnread(ctx context.Context, p *page) error {
	tasks, err := h.queries.CountUnread(ctx, p.Person.ID)
	if err != nil {
		return fmt.Errorf("count notifications: %w", err)
	}
	balances, err := h.queries.CountUnreadBalances(ctx, p.Person.ID)
	if err != nil {
		return fmt.Errorf("count balances that were not read: %w", err)
	}
	newest := max(tasks.Newest.UnixMicro(), balances.Newest.UnixMicro())
	p.Unread = views.UnreadCount{Count: min(int(tasks.Unread+balances.Unread), 100), Newest: strconv.FormatInt(newest, 10)}
	return nil
}

// listInbox is a page of what somebody was told.
func (h *Handlers) listInbox(ctx context.Context, p page, from toldPlace, unread bool, rows int32) ([]placed[views.NotificationRow], error) {
	tasks, err := tracker.ListInbox(ctx, h.pool, dbsqlc.ListInboxParams{
		Person: p.Person.ID, BeforeAt: from.at, BeforeID: from.below(tracker.Producer), Unread: unread, Rows: rows,
	})
	if err != nil {
		return nil, err
	}
	balances, err := h.queries.ListBalanceInbox(ctx, dbsqlc.ListBalanceInboxParams{
		Person: p.Person.ID, BeforeAt: from.at, BeforeID: from.below(accounting.Producer), Unread: unread, Rows: rows,
	})
	if err != nil {
		return nil, fmt.Errorf("list balances: %w", err)
	}
	var all []placed[views.NotificationRow]
	for _, t := range tasks {
		news := views.TaskNews(t)
		all = append(all, placed[views.NotificationRow]{toldPlace{t.NotedAt, tracker.Producer, t.ID}, views.NotificationRow{
			ID: toldID(tracker.Producer, t.ID), Unread: t.State == domain.Unread, At: t.NotedAt, Task: &news,
		}})
	}
	for _, b := range balances {
		row := views.NotificationRow{
			ID: toldID(accounting.Producer, b.ID), Unread: b.State == domain.Unread, At: b.NotedAt,
			Balance: &views.BalanceMailData{
				Day: h.Books.Begins(b.Day), Opening: b.Opening, Charged: b.Fees, Earned: b.Rewards, Paid: b.Payout, Carried: b.Carried,
			},
		}
		if p.Person.Role == domain.Worker {
			row.BalanceHref = address("/balance", url.Values{}, "before", place{b.Day.AddDate(0, 0, 1), 0}.String())
		}
		all = append(all, placed[views.NotificationRow]{toldPlace{b.NotedAt, accounting.Producer, b.ID}, row})
	}
	return all, nil
}

// notifications shows somebody's inbox, or only the bell to a page that asks for that.
func (h *Handlers) notifications(w http.ResponseWriter, r *http.Request, p page) error {
	ctx := r.Context()
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	if err := h.countUnread(ctx, &p); err != nil {
		return err
	}
	query := r.URL.Query()
	from, ok := readToldPlace(query.Get("before"))
	if show := query.Get("show"); !ok || show != "" && show != domain.Unread {
		return &domain.Refusal{Kind: domain.Invalid, Code: "notifications.place",
			Message: "The address of this list cannot be read. Go to your notifications again."}
	}
	data := views.NotificationsData{
		Address: address("/notifications", query), Unread: p.Unread.Count, UnreadOnly: query.Get("show") == domain.Unread,
		Until: p.Unread.Newest, Key: p.Key, Worker: p.Person.Role == domain.Worker,
	}
	onlyBell := fragment(r) == "bell"
	rows := int32(rowsOfPage + 1)
	if onlyBell {
		rows = 1
	}
	all, err := h.listInbox(ctx, p, from, data.UnreadOnly || onlyBell, rows)
	if err != nil {
		return err
	}
	shown, next := merge(all)
	if onlyBell && len(shown) > 0 {
		p.Unread.Headline = shown[0].row.Headline(ctx)
	}
	if next != "" {
		data.Older = address("/notifications", query, "before", next)
	}
	if query.Get("before") != "" {
		data.First = address("/notifications", query, "before", "")
	}
	for i, s := range shown {
		if i == 0 || !h.Books.Day(s.at).Equal(h.Books.Day(shown[i-1].at)) {
			data.Days = append(data.Days, views.NotificationDay{Day: s.at})
		}
		day := &data.Days[len(data.Days)-1]
		day.Rows = append(day.Rows, s.row)
	}
	return h.show(w, r, http.StatusOK, views.Notifications(p.Page, data))
}

// markNotifications marks one of somebody's notifications, or all that was there when they looked, as read or unread.
func (h *Handlers) markNotifications(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	unreadable := &domain.Refusal{Kind: domain.Invalid, Code: "request.form_unreadable",
		Message: "This form cannot be read. Open the page again and send it once more."}
	state := r.PostForm.Get("state")
	if state != domain.Read && state != domain.Unread {
		return unreadable
	}
	var commands []domain.Command
	switch producer, id, named := readToldID(r.PostForm.Get("notification")); {
	case !named && r.PostForm.Has("notification"):
		return unreadable
	case named && producer == tracker.Producer:
		commands = append(commands, &tracker.MarkNotifications{Request: p.by(r), IDs: []int64{id}, State: state})
	case named:
		commands = append(commands, &accounting.MarkNotifications{Request: p.by(r), IDs: []int64{id}, State: state})
	default:
		micros, err := strconv.ParseInt(r.PostForm.Get("until"), 10, 64)
		if err != nil || micros < 0 || micros > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() {
			return unreadable
		}
		until := time.UnixMicro(micros).UTC()
		commands = append(commands, &tracker.MarkNotifications{Request: p.by(r), Until: &until, State: state},
			&accounting.MarkNotifications{Request: p.by(r), Until: &until, State: state})
	}
	for _, mark := range commands {
		if err := h.commands.Do(r.Context(), mark); err != nil {
			return err
		}
	}
	back := returnTo(r.PostForm.Get("return_to"))
	if back == "/" {
		back = "/notifications"
	}
	http.Redirect(w, r, back, http.StatusSeeOther) //nolint:gosec // returnTo lets nothing through but paths of ours
	return nil
}

// choices are what somebody wants to be told, by both contexts.
type choices struct{ tracker, accounting domain.NotificationChoice }

func (h *Handlers) choices(ctx context.Context, person uuid.UUID) (c choices, err error) {
	if c.tracker, err = tracker.NotificationChoice(ctx, h.pool, person); err != nil {
		return c, err
	}
	c.accounting, err = accounting.NotificationChoice(ctx, h.pool, person)
	return c, err
}

// notificationPreferences shows what somebody is told, and how.
func (h *Handlers) notificationPreferences(w http.ResponseWriter, r *http.Request, p page) error {
	return h.showNotificationPreferences(w, r, p, http.StatusOK, "")
}

func (h *Handlers) showNotificationPreferences(w http.ResponseWriter, r *http.Request, p page, status int, message string) error {
	if err := h.fresh(r, &p); err != nil {
		return err
	}
	chosen, err := h.choices(r.Context(), p.Person.ID)
	if err != nil {
		return err
	}
	data := views.NotificationPreferencesData{
		Key: p.Key, SeenTracker: strconv.FormatInt(chosen.tracker.Version, 10), SeenAccounting: strconv.FormatInt(chosen.accounting.Version, 10),
		Language: chosen.tracker.Language, Message: message,
	}
	if data.Language == "" {
		data.Language = views.Languages()[0]
	}
	on := func(c domain.NotificationChoice, kind, channel string) bool {
		return !slices.Contains(c.Off, kind+"/"+channel)
	}
	for _, kind := range tracker.NotificationKinds() {
		data.Kinds = append(data.Kinds, views.NotificationKind{
			Name: kind, Inbox: on(chosen.tracker, kind, domain.Inbox), Mail: on(chosen.tracker, kind, domain.Mail),
		})
	}
	data.Kinds = append(data.Kinds, views.NotificationKind{
		Name: accounting.DailyBalance, Inbox: on(chosen.accounting, accounting.DailyBalance, domain.Inbox), MailAlways: true,
	})
	return h.show(w, r, status, views.NotificationPreferences(p.Page, data))
}

// chooseNotifications keeps what somebody wants to be told. The two contexts keep it apart; what was changed elsewhere meanwhile in
// either is refused in both.
func (h *Handlers) chooseNotifications(w http.ResponseWriter, r *http.Request, p page) error {
	if err := readForm(r); err != nil {
		return err
	}
	asked := choices{tracker: readChoice(r, "seen_tracker"), accounting: readChoice(r, "seen_accounting")}
	if asked.tracker.Version < 0 || asked.accounting.Version < 0 || !slices.Contains(views.Languages(), asked.tracker.Language) {
		return domain.ErrChoiceUnknown()
	}
	off := func(kind, channel string) []string {
		if field := kind + "/" + channel; !r.PostForm.Has(field) {
			return []string{field}
		}
		return nil
	}
	for _, kind := range tracker.NotificationKinds() {
		asked.tracker.Off = slices.Concat(asked.tracker.Off, off(kind, domain.Inbox), off(kind, domain.Mail))
	}
	asked.accounting.Off = off(accounting.DailyBalance, domain.Inbox)

	err := h.keepChoices(r, p, asked)
	var refusal *domain.Refusal
	if errors.As(err, &refusal) && refusal.Kind == domain.Conflict {
		return h.showNotificationPreferences(w, r, p, http.StatusConflict, translate(r.Context(), refusal))
	}
	if err != nil {
		return err
	}
	return h.flashAndGo(w, r, "/notifications/preferences", views.Flash{Kind: views.FlashDone, Text: views.T(r.Context(), "told.saved")})
}

// keepChoices keeps both choices under the form's key, with which a form that is sent again gets its first answer.
func (h *Handlers) keepChoices(r *http.Request, p page, asked choices) error {
	ctx, by := r.Context(), p.by(r)
	sent := false
	if by.Key != "" {
		var err error
		if sent, err = h.queries.HasCommand(ctx, dbsqlc.HasCommandParams{Actor: by.By.ID, Key: by.Key}); err != nil {
			return fmt.Errorf("look whether the form was sent before: %w", err)
		}
	}
	held, err := h.choices(ctx, p.Person.ID)
	if err != nil {
		return err
	}
	if !sent && (held.tracker.Version != asked.tracker.Version || held.accounting.Version != asked.accounting.Version) {
		return domain.ErrChoiceChanged()
	}
	if err := h.commands.Do(ctx, &tracker.ChooseNotifications{Request: by, Choice: asked.tracker}); err != nil {
		return err
	}
	return h.commands.Do(ctx, &accounting.ChooseNotifications{Request: by, Choice: asked.accounting})
}

// readChoice reads the choice that a form was made over. Its version is negative when the form does not say.
func readChoice(r *http.Request, seen string) domain.NotificationChoice {
	version, err := strconv.ParseInt(r.PostForm.Get(seen), 10, 64)
	if err != nil {
		version = -1
	}
	return domain.NotificationChoice{Version: version, Language: r.PostForm.Get("language")}
}
