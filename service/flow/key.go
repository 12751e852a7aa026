package flow

// maxKey is how many bytes of ids have room in one key of the database's indexes.
const maxKey = 2600

// CheckKey refuses ids that have no room in one key together: with the flow's id, that of
// a job, or those of a relationship's ends. Only long ids of more than one byte a
// character come near it.
func CheckKey(field string, ids ...string) error {
	n := 0
	for _, id := range ids {
		n += len(id)
	}
	if n <= maxKey {
		return nil
	}
	return Invalidf("ids-too-long", "%s: the ids have %d bytes together with the flow's; at most %d have room", field, n, maxKey)
}
