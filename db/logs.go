package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/openova-io/provflow/db/internal/dbsqlc"
	"github.com/openova-io/provflow/service/flow"
)

// LogPage gives up to limit lines of an execution from that number on (1 is the first),
// and how far its log goes; asked for lines that are not there yet it gives none, at the
// cost of one look-up. NotFound (execution-not-found) when there is no such execution.
func (s *Store) LogPage(ctx context.Context, executionID string, from int64, limit int) (flow.LogPage, error) {
	x, err := s.q.ExecutionGetLog(ctx, executionID)
	if errors.Is(err, pgx.ErrNoRows) {
		return flow.LogPage{}, flow.NoExecution(executionID)
	}
	if err != nil {
		return flow.LogPage{}, mapError(err)
	}
	page := flow.LogPage{
		FlowID: x.FlowID, Status: flow.Status(x.Status), FinishedAt: instant(x.FinishedAt), Total: x.LineCount, Next: from,
	}
	if from > page.Total {
		return page, nil
	}
	rows, err := s.q.LogLineListFrom(ctx, dbsqlc.LogLineListFromParams{
		LogDay: x.LogDay, FlowID: x.FlowID, ExecutionID: executionID, FirstLine: from, LastLine: page.Total, PageSize: int32(limit),
	})
	if err != nil {
		return flow.LogPage{}, mapError(err)
	}
	page.Next = page.Total + 1
	for _, r := range rows {
		page.Lines = append(page.Lines, flow.LogLine{
			ExecutionID: executionID, Number: r.LineNumber, At: instant(r.At), Level: r.Level, Message: r.Message,
		})
	}
	if len(rows) == limit {
		page.Next = rows[len(rows)-1].LineNumber + 1
	}
	return page, nil
}
