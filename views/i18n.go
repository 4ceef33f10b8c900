package views

import (
	"context"
	"embed"
	"encoding/json"
	"path"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/ru"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Locale is how a viewer is spoken to.
type Locale struct {
	// Language is one of Languages.
	Language string
	// Zone is the time zone of the business day, in which all times are shown.
	Zone *time.Location
	// Currency is the ISO 4217 code of the money that the ledger counts, in its minor unit.
	Currency string
}

// Languages returns the languages the pages speak, the default first.
func Languages() []string { return []string{"en", "ru"} }

// MatchLanguage returns the language to speak to somebody who chose preference, or nothing yet (""), and whose browser
// asks for acceptLanguage.
func MatchLanguage(preference, acceptLanguage string) string {
	_, index := language.MatchStrings(languageMatcher, preference, acceptLanguage)
	return Languages()[index]
}

// KnownCurrency reports whether amounts can be written in the currency with the given ISO 4217 code.
func KnownCurrency(code string) bool {
	_, err := currency.ParseISO(code)
	return err == nil
}

// WithLocale returns a context in which views speak the way of l. What is missing or unknown in l is English, UTC, or USD.
func WithLocale(ctx context.Context, l Locale) context.Context {
	return context.WithValue(ctx, localeKey{}, speakerOf(l))
}

// Language is the one of Languages in which views speak in a context.
func Language(ctx context.Context) string { return speakerFrom(ctx).Language }

// T returns the words with the given id. The arguments are the names and values that the words mention, in turn.
func T(ctx context.Context, id string, args ...any) string {
	return speakerFrom(ctx).say(&i18n.LocalizeConfig{MessageID: id, TemplateData: named(args)})
}

// N is T in the form that fits the count n, which the words may mention as Count.
func N(ctx context.Context, id string, n int, args ...any) string {
	data := named(args)
	data["Count"] = Number(ctx, n)
	return speakerFrom(ctx).say(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: n})
}

// Refusal returns why something was refused, in the viewer's language: what locales/ say under "refusal." and the code of a
// domain.Refusal, with its details filled in, or else its English message.
func Refusal(ctx context.Context, code, fallbackMessage string, details map[string]any) string {
	words, err := speakerFrom(ctx).localizer.Localize(&i18n.LocalizeConfig{
		MessageID: "refusal." + code, TemplateData: details, TemplateParser: strict,
	})
	if err != nil {
		return fallbackMessage
	}
	return words
}

// speaker is a Locale with all that it takes to write in it.
type speaker struct {
	Locale
	localizer *i18n.Localizer
	writer    locales.Translator
	symbol    string
	// exponent is the number of digits after the decimal mark in an amount of money.
	exponent int
}

type localeKey struct{}

func speakerFrom(ctx context.Context) *speaker {
	if s, ok := ctx.Value(localeKey{}).(*speaker); ok {
		return s
	}
	return speakerOf(Locale{})
}

func speakerOf(l Locale) *speaker {
	l.Language = MatchLanguage(l.Language, "")
	if l.Zone == nil {
		l.Zone = time.UTC
	}
	unit, err := currency.ParseISO(l.Currency)
	if err != nil {
		unit = currency.USD
	}
	l.Currency = unit.String()
	exponent, _ := currency.Standard.Rounding(unit)
	return &speaker{
		Locale:    l,
		localizer: i18n.NewLocalizer(words, l.Language),
		writer:    writers[l.Language],
		symbol:    message.NewPrinter(language.Make(l.Language)).Sprint(currency.NarrowSymbol(unit)),
		exponent:  exponent,
	}
}

// say returns the id itself when there are no such words; a test sees to it that there are.
func (s *speaker) say(config *i18n.LocalizeConfig) string {
	text, err := s.localizer.Localize(config)
	if err != nil {
		return config.MessageID
	}
	return text
}

// strict rather fails than leaves out a value that words mention.
var strict = &template.TextParser{Option: "missingkey=error"}

func named(args []any) map[string]any {
	data := make(map[string]any, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		data[args[i].(string)] = args[i+1]
	}
	return data
}

//go:embed locales/*.json
var localeFiles embed.FS

var (
	languageMatcher = language.NewMatcher([]language.Tag{language.English, language.Russian})
	writers         = map[string]locales.Translator{"en": en.New(), "ru": ru.New()}
	words           = loadWords()
)

func loadWords() *i18n.Bundle {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	for _, lang := range Languages() {
		file := path.Join("locales", lang+".json")
		if _, err := bundle.LoadMessageFileFS(localeFiles, file); err != nil {
			panic(err)
		}
	}
	return bundle
}
