package vertebra

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
)

// heartbeats: a stream is given up after so many that did not come.
const heartbeats = 6

// The shortest heartbeat that the contract allows, and its usual one.
const (
	shortestHeartbeat = time.Second
	usualHeartbeat    = 15 * time.Second
)

// EventGap names events that the trainer does not keep any more: both ends are among them.
type EventGap struct {
	FirstSeq int64
	LastSeq  int64
}

// EventsCompactedError says that events that were asked for are not kept any more.
type EventsCompactedError struct {
	Gap    EventGap
	status *Error
}

// Error returns the sentence for people.
func (e *EventsCompactedError) Error() string { return e.status.Message }

// Unwrap returns the *Error, whose reason is CURSOR_COMPACTED.
func (e *EventsCompactedError) Unwrap() error { return e.status }

func eventsCompacted(name string, gap EventGap) *EventsCompactedError {
	return &EventsCompactedError{Gap: gap, status: &Error{
		Code:   codes.OutOfRange,
		Reason: "CURSOR_COMPACTED",
		Message: fmt.Sprintf("%s: events %d to %d are not kept any more; QueryMetrics still has"+
			" their curves, and a watch after %d goes on from there",
			name, gap.FirstSeq, gap.LastSeq, gap.LastSeq),
		Metadata: map[string]string{"oldest_seq": strconv.FormatInt(gap.LastSeq+1, 10)},
	}}
}

type watchMessage = trainerv1.WatchTrainJobResponse

// eventCursor has the last event that came; the next one must be its successor.
type eventCursor struct {
	stub  trainerv1.TrainJobServiceClient
	name  string
	seq   int64
	logID string
	onGap func(EventGap)
	idle  time.Duration
}

func (e *eventCursor) open(ctx context.Context) (messages[*watchMessage], error) {
	heartbeat := min(usualHeartbeat, max(shortestHeartbeat, e.idle/heartbeats))
	return e.stub.WatchTrainJob(ctx, &trainerv1.WatchTrainJobRequest{
		Name: e.name, LogId: e.logID, AfterSeq: e.seq, Heartbeat: durationpb.New(heartbeat),
	})
}

func (e *eventCursor) take(message *watchMessage) ([]*trainerv1.TrainEvent, error) {
	if err := e.checkLog(message.GetLogId()); err != nil {
		return nil, err
	}
	if bookmark := message.GetBookmark(); bookmark != nil {
		return nil, e.checkNothingMissing(bookmark.GetSeq())
	}
	events := message.GetEvents().GetEvents()
	for _, event := range events {
		if event.GetSeq() != e.seq+1 {
			return nil, answerRefused("%s: event %d came after %d", e.name, event.GetSeq(), e.seq)
		}
		e.seq = event.GetSeq()
	}
	return events, nil
}

func (e *eventCursor) finish(end *modelv1.StreamEnd) error {
	return e.checkNothingMissing(end.GetResumeAfter())
}

// mend moves to the oldest event that is kept, where that is why the service refused; nil means:
// open again. A watch from the start begins there by itself: nobody has read what is gone.
func (e *eventCursor) mend(err error) error {
	var failure *Error
	if !errors.As(err, &failure) || failure.Reason != "CURSOR_COMPACTED" {
		return err
	}
	oldest, _ := strconv.ParseInt(failure.Metadata["oldest_seq"], 10, 64)
	if oldest <= e.seq+1 {
		return err
	}
	gap := EventGap{FirstSeq: e.seq + 1, LastSeq: oldest - 1}
	if e.onGap != nil {
		e.onGap(gap)
	} else if e.seq > 0 {
		return eventsCompacted(e.name, gap)
	}
	e.seq = gap.LastSeq
	return nil
}

func (e *eventCursor) checkLog(logID string) error {
	if logID == "" {
		return nil
	}
	if e.logID != "" && e.logID != logID {
		return answerRefused("%s: its events were replaced; watch from the start", e.name)
	}
	e.logID = logID
	return nil
}

func (e *eventCursor) checkNothingMissing(seq int64) error {
	if seq > e.seq {
		return answerRefused("%s: events %d to %d never came", e.name, e.seq+1, seq)
	}
	return nil
}
