package tofu_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/tofu"
)

func TestSecretsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := tofu.NewSecrets([]string{
		"HCLOUD_TOKEN=tok123", "DB_PASSWORD=p455", "MY_SECRET=multi\nline-of-it", "TF_VAR_plain=long-enough", "TF_VAR_size=cx22",
		`TF_VAR_users={"a":{"pass":"inside-it"}}`, `TF_VAR_more={ "some-name" = "some-\"value" }`, "TF_TOKEN_app_example_com=abc4", "TF_VAR_db_password=abcd", "PATH=/usr/bin:/bin", "EMPTY_TOKEN=", "YES_TOKEN=true", "HOME=/home/someone",
	})
	for in, want := range map[string]string{
		"got tok123":              "got ***",
		"got abc4":                "got ***",
		`some-name some-"value`:   "some-name ***",
		"p455 and abcd":           "*** and ***",
		"said line-of-it alone":   "said *** alone",
		"is long-enough":          "is ***",
		"a cx22 stays":            "a cx22 stays",
		"has inside-it":           "has ***",
		"true, /usr/bin:/bin":     "true, /usr/bin:/bin",
		"/home/someone stays":     "/home/someone stays",
		"id AKIAIOSFODNN7EXAMPLE": "id ***",
	} {
		if got := s.Hide("", in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// A private key that comes line by line is hidden line by line, of each resource on its own.
func TestAPrivateKeyInManyLines(t *testing.T) {
	t.Parallel()
	s := tofu.NewSecrets(nil)
	for _, step := range []struct{ source, in, want string }{
		{"a", "x: -----BEGIN OPENSSH PRIVATE KEY-----", "x: -----BEGIN OPENSSH PRIVATE KEY-----***"},
		{"a", "b3BlbnNzaC1rZXk", "***"},
		{"b", "unrelated", "unrelated"},
		{"a", "-----END OPENSSH PRIVATE KEY-----", "***"},
		{"a", "after", "after"},
		{"b", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"},
		{"b", "MIIB", "MIIB"},
	} {
		if got := s.Hide(step.source, step.in); got != step.want {
			t.Errorf("%q of %s became %q, want %q", step.in, step.source, got, step.want)
		}
	}
}

// What a secret is in the middle of may be in base64, whole or in lines.
func TestASecretWithinBase64(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[!-~]{12,200}`).Draw(t, "secret")
		before := rapid.StringMatching(`[!-~]{0,9}`).Draw(t, "before")
		s := tofu.NewSecrets([]string{"A_TOKEN=" + secret})
		left := s.Hide("", base64.StdEncoding.EncodeToString([]byte(before+secret+"\n")))
		if visible := len(strings.ReplaceAll(left, "***", "")); visible > len(base64.StdEncoding.EncodeToString([]byte(before)))+8 {
			t.Fatalf("%d characters are left: %s", visible, left)
		}
		whole := base64.StdEncoding.EncodeToString([]byte(secret))
		for line := range slices.Chunk([]byte(whole), 76) {
			if got := s.Hide("", string(line)); len(line) >= 8 && got != "***" {
				t.Fatalf("of a line %s is left", got)
			}
		}
	})
}

// A key of an instance may be a secret; the resource has a name of its own all the same. What
// is only some variable's value stays, since resources are told apart by such.
func TestASecretInAnAddress(t *testing.T) {
	t.Parallel()
	s := tofu.NewSecrets([]string{"TF_VAR_token=tok123", "TF_VAR_region=eu-central-1"})
	s.AddVariable("password", "p455")
	m := tofu.NewMapper(flow.StepApply, s)
	var sent []string
	for _, address := range []string{`a.b["tok123"]`, `a.b["p455"]`, `a.b["tok123"]`, `a.b["eu-central-1"]`} {
		for _, e := range m.Message(tofu.Message{Type: "apply_start", Level: "info", Resource: address, Action: "create", Text: address}, time.Now()) {
			sent = append(sent, e.Component+" "+e.Message)
		}
	}
	want := []string{`a.b["***"] a.b["***"]`, `a.b["***"] (2) a.b["***"]`, `a.b["***"] a.b["***"]`, `a.b["eu-central-1"] a.b["***"]`}
	if !slices.Equal(sent, want) {
		t.Errorf("sent %q", sent)
	}
	waits := m.Plan(time.Now(), tofu.Plan{Changes: []tofu.Change{{Resource: "a.c", Action: "create", DependsOn: []string{`a.b["p455"]`}}}})
	if got := *waits[0].DependsOn; !slices.Equal(got, []string{`a.b["***"] (2)`}) {
		t.Errorf("it waits for %q", got)
	}
}

// A known secret is in no text any more, however it was written there.
func TestAKnownSecretIsInNoText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[a-zA-Z0-9"\\<>&+/= ]{8,30}[a-z]`).Draw(t, "secret")
		s := tofu.NewSecrets(nil)
		s.Add(map[string]any{"deep": []any{secret}})
		quoted, _ := json.Marshal(secret)
		form := rapid.SampledFrom([]string{secret, string(quoted), base64.StdEncoding.EncodeToString([]byte(strings.TrimSpace(secret)))}).Draw(t, "form")
		text := rapid.String().Draw(t, "before") + form + rapid.String().Draw(t, "after")
		if got := s.Hide("", text); strings.Contains(got, strings.TrimSpace(secret)) || strings.Contains(got, strings.Trim(form, `" `)) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// The value of a sensitive output is in no event and on no screen, not even where something
// else prints it afterwards.
func TestSensitiveOutputs(t *testing.T) {
	t.Parallel()
	const outputs = `{"@level":"info","@message":"Outputs: 2","@timestamp":"2026-11-23T09:22:53.718881Z","type":"outputs","outputs":{
		"admin":{"sensitive":true,"type":"string","value":"correct horse"},"plain":{"sensitive":false,"type":["list","string"],"value":["a","b\"c"]}}}`
	msg := tofu.Decode([]byte(strings.ReplaceAll(outputs, "\n", "")))
	m := tofu.NewMapper(flow.StepApply, tofu.NewSecrets(nil))
	events := append(m.Message(msg, time.Now()), m.Message(tofu.Message{Level: "info", Text: "it is correct horse"}, time.Now())...)
	text, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`admin = <sensitive>`, `it is ***`, `plain = [\n  \"a\",\n  \"b\\\"c\",\n]`} {
		if !strings.Contains(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text)), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	shown, _ := tofu.Screen{}.Text(msg)
	if strings.Contains(string(text)+shown, "correct horse") || !strings.Contains(shown, "admin = <sensitive>") {
		t.Errorf("sent %s, shown %s", text, shown)
	}
	if asked, _ := (tofu.Screen{Sensitive: true}).Text(msg); !strings.Contains(asked, `admin = "correct horse"`) {
		t.Errorf("who asks for it is shown %s", asked)
	}
}
