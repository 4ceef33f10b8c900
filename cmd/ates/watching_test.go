package main

import (
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// promQL reads expressions as Prometheus does.
var promQL = parser.NewParser(parser.Options{})

// alerts are the rules for Prometheus, as it reads and checks them.
func alerts(t testing.TB) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile("operations/alerts.yml", false, model.UTF8Validation, promQL, slog.Default())
	require.Empty(t, errs)
	require.Len(t, groups.Groups, 1)
	require.NotEmpty(t, groups.Groups[0].Rules)
	return groups.Groups[0].Rules
}

// panel is what there is to check of a panel of Grafana.
type panel struct {
	Type, Title string
	Targets     []struct{ Expr string }
	GridPos     struct{ X, Y, W, H int }
}

// grafana are the variables of Grafana in expressions, with what may stand in their place.
var grafana = strings.NewReplacer("$__rate_interval", "5m", "$instance", ".+")

// dashboard are the expressions of the dashboard by panel, those of its variables among them.
func dashboard(t testing.TB) map[string][]string {
	t.Helper()
	content, err := os.ReadFile("operations/dashboard.json")
	require.NoError(t, err)
	var board struct {
		Panels     []panel
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(content, &board))
	all := map[string][]string{}
	for _, p := range board.Panels {
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			all[p.Title] = append(all[p.Title], grafana.Replace(target.Expr))
		}
	}
	for _, v := range board.Templating.List {
		if found := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v.Definition); found != nil {
			all[v.Name] = []string{"count by (" + found[2] + ") (" + found[1] + ")"}
		}
	}
	return all
}

// madeByPrometheus are the labels and the metric that Prometheus adds to what it scrapes.
var madeByPrometheus = []string{"instance", "job"}

// requireWatchable requires that every metric and label that the dashboard and the alerts name is there to be scraped.
func requireWatchable(t testing.TB, scrape string) {
	t.Helper()
	text := expfmt.NewTextParser(model.UTF8Validation)
	families, err := text.TextToMetricFamilies(strings.NewReader(scrape))
	require.NoError(t, err)
	known := map[string][]string{"up": madeByPrometheus}
	for name, family := range families {
		named := slices.Clone(madeByPrometheus)
		for _, metric := range family.Metric {
			for _, pair := range metric.Label {
				named = append(named, pair.GetName())
			}
		}
		known[name] = named
		if family.GetType().String() == "HISTOGRAM" {
			known[name+"_bucket"], known[name+"_count"], known[name+"_sum"] = append(named, "le"), named, named
			delete(known, name)
		}
	}
	asked := dashboard(t)
	for _, rule := range alerts(t) {
		asked[rule.Alert] = []string{rule.Expr}
	}
	for where, expressions := range asked {
		for _, text := range expressions {
			for metric, named := range namesIn(t, text) {
				require.Contains(t, slices.Collect(maps.Keys(known)), metric, "%s: %s", where, text)
				require.Subset(t, known[metric], named, "%s: %s", where, text)
			}
		}
	}
}

// namesIn are the metrics of an expression with the labels that it wants of each: those that are matched, and those of the
// aggregations and joins around them.
func namesIn(t testing.TB, text string) map[string][]string {
	t.Helper()
	expr, err := promQL.ParseExpr(text)
	require.NoError(t, err, text)
	names := map[string][]string{}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		metric := selector.Name
		named := []string{}
		for _, m := range selector.LabelMatchers {
			if m.Name != model.MetricNameLabel {
				named = append(named, m.Name)
			}
		}
		for _, around := range path {
			switch around := around.(type) {
			case *parser.AggregateExpr:
				named = append(named, around.Grouping...)
			case *parser.BinaryExpr:
				if around.VectorMatching != nil {
					named = append(named, around.VectorMatching.MatchingLabels...)
				}
			}
		}
		names[metric] = append(names[metric], named...)
		return nil
	})
	return names
}

// What an alert means and what to do about it is looked up by its name.
func TestEveryAlertIsExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("OPERATIONS.md")
	require.NoError(t, err)
	var explained, known []string
	for _, found := range regexp.MustCompile(`(?m)^### (Ates\w+)$`).FindAllStringSubmatch(string(page), -1) {
		explained = append(explained, found[1])
	}
	for _, rule := range alerts(t) {
		known = append(known, rule.Alert)
		require.Contains(t, []string{"page", "ticket"}, rule.Labels["severity"], rule.Alert)
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
	}
	require.Equal(t, known, explained)
}
