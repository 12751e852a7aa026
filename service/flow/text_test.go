package flow_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
)

func TestCleanText(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"plain text stays", "release installed", "release installed"},
		{"NUL goes", "a\x00b", "ab"},
		{"invalid UTF-8 is replaced", "a\xffb", "a\uFFFDb"},
		{"colours stay", "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"},
		{"other terminal sequences go", "\x1b[2Jclear\x1b]0;title\x07", "clear"},
		{"bell and backspace go", "a\x07\bb", "ab"},
		{"tab and newline stay", "a\tb\nc", "a\tb\nc"},
		{"umlauts stay", "größer", "größer"},
		{"a password is hidden", "password=hunter2 done", "password=*** done"},
		{"a token in JSON is hidden", `{"api_token": "abc123", "n": 1}`, `{"api_token": "***", "n": 1}`},
		{"a bearer token is hidden", "Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"},
		{"what only looks like one stays", "the token was renewed", "the token was renewed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := flow.CleanText(tt.in); got != tt.want {
				t.Errorf("CleanText(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCleanTextIsAlwaysFitForTheDatabase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "in"))
		if rapid.Bool().Draw(t, "long") {
			in = strings.Repeat(in+"ä", flow.MaxLine)
		}
		out := flow.CleanText(in)
		if !utf8.ValidString(out) || strings.ContainsRune(out, 0) || len(out) > flow.MaxLine {
			t.Fatalf("unfit: %d bytes, valid %v", len(out), utf8.ValidString(out))
		}
	})
}
