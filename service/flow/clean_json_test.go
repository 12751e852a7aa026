package flow_test

import (
	"testing"

	"github.com/openova-io/provflow/service/flow"
)

func TestCleanJSON(t *testing.T) {
	t.Parallel()
	got, err := flow.CleanJSON([]byte("{\"z\": [1.50, 9007199254740993, \"a\\u0000b\"], \"a\\u0000\": {\"x\": \"\xff\"}}"))
	if want := "{\"a\":{\"x\":\"\uFFFD\"},\"z\":[1.50,9007199254740993,\"ab\"]}"; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := flow.CleanJSON([]byte(`{`)); err == nil {
		t.Error("half a value was taken")
	}
}

func TestTheMetaOfADeploymentHasNoNUL(t *testing.T) {
	t.Parallel()
	c := flow.DeploymentChange{Meta: []byte(`{"b": "x\u0000y\\u0000\n", "a": "<1.50>"}`)}
	if err := c.Check(); err != nil || string(c.Meta) != `{"b":"xy\\u0000\n","a":"<1.50>"}` {
		t.Errorf("got %s, %v", c.Meta, err)
	}
}
