package k8stest

import (
	"fmt"
	"strings"
	"testing"
)

// Whatever happens to who follows the controller's log: each line is there once.
func TestEachLineOfTheControllerIsThereOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	i, p, s := provision(t, c)
	all := kit(t)[:3]
	c.releases().create(all...)
	for _, n := range all {
		c.controller().installs(n.Name)
	}
	agree(t, c, p, deployment, s)
	said := 0
	say := func(n int) {
		for range n {
			c.controller().log(all[said%3].Name, fmt.Sprintf("line %04d", said))
			said++
		}
	}
	say(30)
	wantLines(t, p, all, said)
	p.kill()
	say(30)
	p = i.start()
	say(30)
	wantLines(t, p, all, said)
	c.door.changeToken("second")
	say(30)
	i.give(deployment, c.door.kubeconfig())
	wantLines(t, p, all, said)
}

// wantLines waits until all lines are there, and sees that each is where it belongs, once.
func wantLines(t *testing.T, p *program, all []component, said int) {
	t.Helper()
	var texts [3]string
	eventually(t, fmt.Sprintf("%d lines", said), func() bool {
		n := 0
		for i := range texts {
			texts[i] = strings.Join(p.lines(deployment, "install-"+all[i].Name), "\n")
			n += strings.Count(texts[i], "line 0")
		}
		return n >= said
	})
	for i := range said {
		line := fmt.Sprintf("line %04d", i)
		if n := strings.Count(texts[i%3], line); n != 1 {
			t.Errorf("%q is there %d times", line, n)
		}
	}
}
