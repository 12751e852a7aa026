package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// serveFlags are those of `provflow serve` that a variable sets.
func serveFlags(t *testing.T, c *cli) (*kong.Kong, []*kong.Flag) {
	t.Helper()
	k, err := kong.New(c)
	if err != nil {
		t.Fatal(err)
	}
	var flags []*kong.Flag
	for _, command := range k.Model.Children {
		if command.Name == "serve" {
			flags = slices.DeleteFunc(slices.Clone(command.Flags), func(f *kong.Flag) bool { return len(f.Envs) == 0 })
		}
	}
	return k, flags
}

// Each variable sets its flag. This test is not parallel: the environment is the process's.
func TestTheEnvironmentSetsEveryFlag(t *testing.T) {
	var c cli
	k, flags := serveFlags(t, &c)
	wanted := map[string]string{}
	for _, f := range flags {
		value := "v"
		switch f.Target.Interface().(type) {
		case time.Duration, retention:
			value = "48h0m0s"
		case bool:
			value = "true"
		case *int:
			value = "7"
		case []string:
			value = "a,b"
		}
		if enum := f.EnumSlice(); f.Enum != "" {
			value = enum[1]
		} else if f.Name == "log-level" {
			value = "WARN"
		}
		t.Setenv(f.Envs[0], value)
		wanted[f.Name] = value
	}
	if _, err := k.Parse([]string{"serve"}); err != nil {
		t.Fatal(err)
	}
	for _, f := range flags {
		if got := asVariable(f.Target); got != wanted[f.Name] {
			t.Errorf("%s=%s has set --%s to %s", f.Envs[0], wanted[f.Name], f.Name, got)
		}
	}
	if c.Serve.FlowProxyTimeout != 48*time.Hour || len(flags) == 0 {
		t.Errorf("%d flags; OPENOVA_FLOW_PROXY_TIMEOUT has set %s", len(flags), c.Serve.FlowProxyTimeout)
	}
}

// asVariable is a flag's value as a variable has it.
func asVariable(v reflect.Value) string {
	switch value := reflect.Indirect(v).Interface().(type) {
	case []string:
		return strings.Join(value, ",")
	case retention:
		return time.Duration(value).String()
	default:
		return fmt.Sprint(value)
	}
}

// README lists the flags of the server, their variables and their defaults, and no others.
func TestEveryVariableIsDocumentedAndEveryDocumentedOneIsThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, flags := serveFlags(t, new(cli))
	var documented, there []string
	defaults := map[string]string{}
	for _, f := range flags {
		there = append(there, "--"+f.Name+" "+f.Envs[0])
		if f.Enum == "" { // of two modes the words say more
			defaults["--"+f.Name] = f.Default
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`--[^|]*) \\| (`[A-Z][^|]*) \\| ?([^|]*) \\|").FindAllStringSubmatch(string(text), -1) {
		names := regexp.MustCompile("`([^`]+)`")
		variables := names.FindAllStringSubmatch(row[2], -1)
		for i, flag := range names.FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, flag[1]+" "+variables[i][1])
			if byDefault := defaults[flag[1]]; byDefault != "" && row[3] != "`"+byDefault+"`" {
				t.Errorf("the default of %s is %s and not %s", flag[1], byDefault, row[3])
			}
		}
	}
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("documented %q\nthere      %q", documented, there)
	}
}
