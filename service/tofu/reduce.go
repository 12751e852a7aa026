package tofu

import (
	"math/big"
	"slices"
)

// reduce takes out of changes in their order what they wait for anyway, through others: a
// state lists all that a resource depends on, however far.
func reduce(changes []Change) {
	place := make(map[string]int, len(changes))
	before := make([]*big.Int, len(changes)) // of each change, the set of all that goes before it
	for i := range changes {
		c := &changes[i]
		direct := c.DependsOn
		through := new(big.Int)
		for _, d := range direct {
			through.Or(through, before[place[d]])
		}
		c.DependsOn = slices.DeleteFunc(direct, func(d string) bool { return through.Bit(place[d]) == 1 })
		for _, d := range c.DependsOn {
			through.SetBit(through, place[d], 1)
		}
		place[c.Resource], before[i] = i, through
	}
}
