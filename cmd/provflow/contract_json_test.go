package main

import (
	"encoding/json"
	"fmt"
)

// within says what of want is not in got; "" where all is.
func within(got, want string) string {
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return fmt.Sprintf("the row's own JSON: %v in %s", err, want)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return fmt.Sprintf("not JSON: %s", got)
	}
	if at := missing("", g, w); at != "" {
		return fmt.Sprintf("%s\ngot  %s\nwant %s", at, got, want)
	}
	return ""
}

func missing(at string, got, want any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return at + " is no object"
		}
		for k, v := range w {
			if m := missing(at+"."+k, g[k], v); m != "" {
				return m
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return at + " is another list"
		}
		for i := range w {
			if m := missing(fmt.Sprintf("%s[%d]", at, i), g[i], w[i]); m != "" {
				return m
			}
		}
		return ""
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return at + " differs"
	}
	return ""
}
