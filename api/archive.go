package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/openova-io/provflow/api/ndjson"
	"github.com/openova-io/provflow/service/bridge"
	"github.com/openova-io/provflow/service/flow"
	"github.com/openova-io/provflow/service/record"
)

// maxIndex is the largest index of jobs that is imported at once, in bytes.
const maxIndex = 32 << 20

// Archive gives everything about a flow, record by record, as of one moment.
type Archive interface {
	Export(ctx context.Context, flowID string, emit func(flow.ArchiveRecord) error) error
}

// importAnswer says how many records or jobs were read, and the flow's version.
type importAnswer struct {
	Accepted int   `json:"accepted"`
	Version  int64 `json:"version"`
}

func (h *server) archiveRoutes(r chi.Router) {
	r.Get("/api/v1/deployments/{id}/export", h.exportDeployment)
	r.Post("/api/v1/internal/jobs/import", h.importJobs)
}

// exportDeployment writes everything about a deployment as NDJSON. When it breaks off in
// the middle the connection is cut, so that half an archive is not taken for a whole one.
func (h *server) exportDeployment(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	out := bufio.NewWriterSize(w, 64<<10)
	encode := json.NewEncoder(out)
	encode.SetEscapeHTML(false)
	begun := false
	err = h.Archive.Export(r.Context(), id, func(rec flow.ArchiveRecord) error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		return encode.Encode(rec)
	})
	if err == nil {
		err = out.Flush()
	}
	switch {
	case err != nil && !begun:
		h.fail(w, r, err)
	case err != nil:
		h.Logger.WarnContext(r.Context(), "an export broke off", "flow", id, "error", err)
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}
}

// importJobs takes another store's index (JSON) or an archive (NDJSON). Sent again, it
// changes nothing.
func (h *server) importJobs(w http.ResponseWriter, r *http.Request) {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if media == "application/x-ndjson" {
		h.importArchive(w, r)
		return
	}
	body, err := readBody(w, r, maxIndex)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	index, err := bridge.ParseLegacy(body)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer, err := h.importIndex(context.WithoutCancel(r.Context()), index)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (h *server) importIndex(ctx context.Context, index bridge.Legacy) (importAnswer, error) {
	if err := seen(ctx, index.DeploymentID); err != nil {
		return importAnswer{}, err
	}
	d := flow.Deployment{ID: index.DeploymentID, SovereignFQDN: index.SovereignFQDN}
	if err := h.importDeployment(ctx, d); err != nil {
		return importAnswer{}, err
	}
	at, err := h.Recorder.Record(ctx, index.DeploymentID, []record.Item{{Observation: index, Key: index.Fingerprint(), OfDeployment: true}})
	return importAnswer{Accepted: index.Len(), Version: at.Version}, err
}

// importDeployment adds what an import says of the record to what is known of it.
func (h *server) importDeployment(ctx context.Context, d flow.Deployment) error {
	known, err := h.Deployments.DeploymentRecord(ctx, d.ID)
	if err != nil && flow.CodeOf(err) != flow.NotFound {
		return err
	}
	var c flow.DeploymentChange
	if known.SovereignFQDN == "" && d.SovereignFQDN != "" {
		c.SovereignFQDN = &d.SovereignFQDN
	}
	if known.Provider == "" && d.Provider != "" {
		c.Provider = &d.Provider
	}
	if len(known.Regions) == 0 {
		c.Regions = d.Regions
	}
	if known.Meta == nil {
		c.Meta = d.Meta
	}
	if err := c.Check(); err != nil {
		return err
	}
	_, err = h.changeDeployment(ctx, d.ID, c)
	return err
}

func (h *server) importArchive(w http.ResponseWriter, r *http.Request) {
	in := &archiveIn{h: h}
	err := in.run(context.WithoutCancel(r.Context()), r.Body)
	if err != nil {
		h.fail(w, r, partially(err, in.done.Accepted))
		return
	}
	writeJSON(w, http.StatusOK, in.done)
}

// archiveIn is one archive on its way in.
type archiveIn struct {
	h      *server
	header *flow.ArchiveHeader // nil before it has come
	done   importAnswer
}

func (in *archiveIn) run(ctx context.Context, body io.Reader) error {
	err := ndjson.Each(ctx, body, ahead, bridge.ParseArchiveRecord, func(records []bridge.Restored) error { return in.record(ctx, records) })
	if err != nil {
		return err
	}
	return in.whole()
}

// begin reads the header, which says whose archive it is.
func (in *archiveIn) begin(ctx context.Context, first bridge.Restored) error {
	if first.Header == nil {
		return errNoHeader
	}
	in.header = first.Header
	if err := flow.CheckID("provflow.flowId", in.header.FlowID); err != nil {
		return err
	}
	return seen(ctx, in.header.FlowID)
}

var errNoHeader = flow.Invalidf("invalid-archive", "an archive begins with its header, {\"provflow\":{…}}")

// whole refuses an archive that was cut where a line ends: its header says how many records
// follow. One that is made as it is sent need not know, and says nothing.
func (in *archiveIn) whole() error {
	if in.header == nil {
		return errNoHeader
	}
	if want, got := in.header.Records, int64(in.done.Accepted-1); want != 0 && want != got {
		return flow.Invalidf("archive-cut-off", "the header says %d records and %d came: the archive is not whole; "+
			"what came is kept, and to import all of it again does no harm", want, got)
	}
	return nil
}

func (in *archiveIn) record(ctx context.Context, records []bridge.Restored) error {
	if in.header == nil {
		if err := in.begin(ctx, records[0]); err != nil {
			return err
		}
	}
	id := in.header.FlowID
	var items []record.Item
	deployment := flow.CheckDeploymentID(id) == nil
	for _, r := range records {
		if r.Deployment != nil && deployment {
			r.Deployment.ID = id
			if err := in.h.importDeployment(ctx, *r.Deployment); err != nil {
				return err
			}
		}
		if r.Header == nil && r.Deployment == nil {
			items = append(items, record.Item{Observation: r}) // without a key: it is held against what is here
		}
	}
	if len(items) > 0 { // a deployment without a flow stays one
		at, err := in.h.Recorder.Record(ctx, id, items)
		if err != nil {
			return err
		}
		in.done.Version = at.Version
	}
	in.done.Accepted += len(records)
	return nil
}
