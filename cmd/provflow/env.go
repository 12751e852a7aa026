package main

import (
	"os"
	"strings"
)

// forgetEmpty makes a variable that is set to nothing, as manifests do with what they
// leave open, the same as one that is not set: its flag has its default.
func forgetEmpty() {
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		ours := strings.HasPrefix(name, "PROVFLOW_") || strings.HasPrefix(name, "OPENOVA_") || strings.HasPrefix(name, "DATABASE_URL")
		if ours && value == "" {
			_ = os.Unsetenv(name) // then its flag says what is wrong with it
		}
	}
}
