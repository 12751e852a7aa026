package flow

import "time"

// ArchiveFormat is the version of the archive's form.
const ArchiveFormat = 1

// ArchiveRecord is one line of an archive: everything about one flow as NDJSON, the
// header first. Exactly one of the pointers is set.
type ArchiveRecord struct {
	Header       *ArchiveHeader `json:"provflow,omitempty"`
	Deployment   *Deployment    `json:"deployment,omitempty"`
	Flow         *Flow          `json:"flow,omitempty"`
	Job          *Job           `json:"job,omitempty"`
	Relationship *Relationship  `json:"relationship,omitempty"`
	Execution    *Execution     `json:"execution,omitempty"`
	Cursor       *BridgeCursor  `json:"cursor,omitempty"`
	Transition   *Transition    `json:"transition,omitempty"`
	Line         *LogLine       `json:"line,omitempty"`

	Said time.Time `json:"said,omitzero"` // of a dependency: when it was last said what its job depends on
}

// ArchiveHeader says what follows, and how many lines of it.
type ArchiveHeader struct {
	Format  int    `json:"format"`
	FlowID  string `json:"flowId"`
	Records int64  `json:"records,omitempty"` // without the header
}

// Kinds counts the fields that are set; a good record has one.
func (r ArchiveRecord) Kinds() (n int) {
	for _, set := range []bool{
		r.Header != nil, r.Deployment != nil, r.Flow != nil, r.Job != nil, r.Relationship != nil,
		r.Execution != nil, r.Cursor != nil, r.Transition != nil, r.Line != nil,
	} {
		if set {
			n++
		}
	}
	return n
}
