package views

import (
	"context"
	"math"
	"strconv"
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

// Duration writes how long something took, in the largest unit that it fills: "40 ms", "3 s", "2 min", "5 h", "4 d".
func Duration(ctx context.Context, d time.Duration) string {
	d = max(0, d)
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= unit.size {
			return Number(ctx, int(d/unit.size)) + nbsp + T(ctx, "unit."+unit.name)
		}
	}
	return Number(ctx, int(d/time.Millisecond)) + nbsp + T(ctx, "unit.millisecond")
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

// PlainMoney writes an amount of minor units for programs that calculate: digits only, with the decimal mark of the language.
func PlainMoney(ctx context.Context, minor int64) string {
	s := majorUnits(ctx, minor)
	if DecimalComma(ctx) {
		s = strings.Replace(s, ".", ",", 1)
	}
	return s
}

// majorUnits writes an amount of minor units exactly, in whole ones: "-13.50".
func majorUnits(ctx context.Context, minor int64) string {
	exponent := speakerFrom(ctx).exponent
	sign, digits := "", strconv.FormatInt(minor, 10)
	if minor < 0 {
		sign, digits = "-", digits[1:]
	}
	if exponent == 0 {
		return sign + digits
	}
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - exponent
	return sign + digits[:point] + "." + digits[point:]
}

// ShortMoney writes an amount as lists of prices do, without what is nothing: "28$", or in Russian "28 $".
func ShortMoney(ctx context.Context, minor int64) string {
	s := speakerFrom(ctx)
	whole := int64(math.Pow10(s.exponent))
	digits := Number(ctx, int(minor/whole))
	if minor%whole != 0 {
		digits = PlainMoney(ctx, minor)
	}
	if s.Language == "ru" || strings.ContainsFunc(s.symbol, unicode.IsLetter) {
		return digits + nbsp + s.symbol
	}
	return digits + s.symbol
}

// Month names the month of t in the business zone: "March 2026".
func Month(ctx context.Context, t time.Time) string {
	t = t.In(speakerFrom(ctx).Zone)
	return T(ctx, "month."+strconv.Itoa(int(t.Month()))) + " " + strconv.Itoa(t.Year())
}

// DayOfMonth writes the day of t in the business zone as "03.03".
func DayOfMonth(ctx context.Context, t time.Time) string {
	return t.In(speakerFrom(ctx).Zone).Format("02.01")
}

// MonthToDate writes the days from the first of a month to that of t: "01-03 March".
func MonthToDate(ctx context.Context, t time.Time) string {
	s := speakerFrom(ctx)
	t = t.In(s.Zone)
	days := t.Format("02")
	if t.Day() > 1 {
		days = "01-" + days
	}
	return days + " " + s.writer.MonthWide(t.Month())
}

// YearToDate writes the days from the first of a year to that of t: "01.01-03.03.2026".
func YearToDate(ctx context.Context, t time.Time) string {
	t = t.In(speakerFrom(ctx).Zone)
	if t.YearDay() == 1 {
		return t.Format("02.01.2006")
	}
	return "01.01-" + t.Format("02.01.2006")
}

// DecimalComma reports whether the language writes a comma before the decimals.
func DecimalComma(ctx context.Context) bool { return speakerFrom(ctx).Language == "ru" }
