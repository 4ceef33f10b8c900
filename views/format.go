package views

import (
	"context"
	"math"
	"strings"
	"time"
	"unicode"
)

const (
	minus = "−"
	nbsp  = "\u00a0"
)

// Money writes an amount of minor units, such as cents: "$12,480.50", or in Russian "12 480,50 $".
func Money(ctx context.Context, minor int64) string {
	return money(ctx, minor, "")
}

// SignedMoney is Money that says plus as well as minus, as fits what is added to a balance.
func SignedMoney(ctx context.Context, minor int64) string {
	if minor > 0 {
		return money(ctx, minor, "+")
	}
	return money(ctx, minor, "")
}

// money is exact up to 2^53 minor units, that is some ninety thousand billion dollars.
func money(ctx context.Context, minor int64, sign string) string {
	s := speakerFrom(ctx)
	if minor < 0 {
		sign = minus
	}
	digits := s.writer.FmtNumber(math.Abs(float64(minor))/math.Pow10(s.exponent), uint64(s.exponent))
	switch {
	case s.Language == "ru":
		return sign + digits + nbsp + s.symbol
	case strings.ContainsFunc(s.symbol, unicode.IsLetter):
		return sign + s.symbol + nbsp + digits
	default:
		return sign + s.symbol + digits
	}
}

// Number writes a count: "1,204", or in Russian "1 204".
func Number(ctx context.Context, n int) string {
	digits := speakerFrom(ctx).writer.FmtNumber(math.Abs(float64(n)), 0)
	if n < 0 {
		return minus + digits
	}
	return digits
}

// Date writes the day of t in the business zone: "Nov 3, 2026".
func Date(ctx context.Context, t time.Time) string {
	s := speakerFrom(ctx)
	return s.writer.FmtDateMedium(t.In(s.Zone))
}

// Weekday writes the day of t in the business zone with its day of the week: "Tuesday, November 3, 2026".
func Weekday(ctx context.Context, t time.Time) string {
	s := speakerFrom(ctx)
	return s.writer.FmtDateFull(t.In(s.Zone))
}

// Clock writes the time of day of t in the business zone: "17:04".
func Clock(ctx context.Context, t time.Time) string {
	return t.In(speakerFrom(ctx).Zone).Format("15:04")
}

// Time writes t in full: "Nov 3, 2026, 17:04 UTC".
func Time(ctx context.Context, t time.Time) string {
	return Date(ctx, t) + ", " + Clock(ctx, t) + nbsp + zoneName(ctx, t)
}

// zoneName is what the business zone is called at the time t, such as "MSK" or "UTC+4".
func zoneName(ctx context.Context, t time.Time) string {
	name := t.In(speakerFrom(ctx).Zone).Format("MST")
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + strings.Replace(name, "-", minus, 1)
	}
	return name
}

// machineTime is t as the datetime attribute of a time element wants it.
func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
