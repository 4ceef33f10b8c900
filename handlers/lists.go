package handlers

import (
	"net/url"
	"strconv"
)

// rowsOfPage is how many rows a page of a list has.
const rowsOfPage = 50

// address is a path with a query, changed by names and values; an empty value takes its name out.
func address(path string, query url.Values, changes ...string) string {
	changed := url.Values{}
	for name, values := range query {
		if len(values) > 0 && values[0] != "" {
			changed.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(changes); i += 2 {
		changed.Del(changes[i])
		if changes[i+1] != "" {
			changed.Set(changes[i], changes[i+1])
		}
	}
	if len(changed) == 0 {
		return path
	}
	return path + "?" + changed.Encode()
}

// readBefore is the number from below which a list goes on; nil at its beginning.
func readBefore(query url.Values) (*int64, error) {
	s := query.Get("before")
	if s == "" {
		return nil, nil //nolint:nilnil // no number is an answer here
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, err
	}
	return &n, nil
}
