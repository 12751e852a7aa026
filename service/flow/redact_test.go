package flow_test

import (
	"strings"
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	const key = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----"
	tests := []struct{ name, in, want string }{
		{"a key of AWS", "id AKIAIOSFODNN7EXAMPLE.", "id ***."},
		{"its secret", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = ***"},
		{"a JWT", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3", "got ***"},
		{"GitHub's tokens", "ghp_0123456789abcdefghijABCDEFGHIJ github_pat_11ABCDEFG0123456789_abcdef", "*** ***"},
		{"GitLab's and Slack's", "glpat-0123456789abcdefghij xoxb-1234567890-abcdef", "*** ***"},
		{"ours", "pvf_0123456789abcdef_" + strings.Repeat("a", 52), "***"},
		{"a private key", "key:\n" + key + "\nend", "key:\n-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nend"},
		{"a private key that is cut", key[:40], "-----BEGIN RSA PRIVATE KEY-----***"},
		{"a password in a URL", "postgres://app:s3cr:et@db:5432/x?y", "postgres://app:***@db:5432/x?y"},
		{"a URL without one stays", "https://app@example.com:8443/a:b@c", "https://app@example.com:8443/a:b@c"},
		{"basic credentials", "Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"},
		{"the word alone stays", "Basic authentication is on", "Basic authentication is on"},
		{"a public key stays", "-----BEGIN PUBLIC KEY-----\nMII", "-----BEGIN PUBLIC KEY-----\nMII"},
		{"tofu's own lines stay", `terraform_data.token["a"]: Creation complete after 1s [id=aeb2a3b0]`, `terraform_data.token["a"]: Creation complete after 1s [id=aeb2a3b0]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := flow.Redact(tt.in)
			if got != tt.want {
				t.Errorf("Redact(%q) = %q, want %q", tt.in, got, tt.want)
			}
			if again := flow.Redact(got); again != got {
				t.Errorf("a second time it is %q", again)
			}
		})
	}
}

func BenchmarkCleanText(b *testing.B) {
	const line = `terraform_data.subnet[0]: Creation complete after 1s [id=69dafdaa-d379-bbda-0f13-33f1bd5c79e5]`
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		flow.CleanText(line)
	}
}
