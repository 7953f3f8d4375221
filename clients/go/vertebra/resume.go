package vertebra

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
)

// cursor is where a stream stands: it asks for the rest, and checks what comes.
type cursor[M, T any] interface {
	// open opens the stream for everything that has not come yet.
	open(ctx context.Context) (messages[M], error)
	// take checks a message, advances, and returns what it brings.
	take(message M) ([]T, error)
	// finish checks that a stream that says COMPLETED is complete.
	finish(end *modelv1.StreamEnd) error
}

// resumedHeader tells the service what had ended the stream that is opened again: a reason of
// StreamEnd in lower case, or one of the words below, for its metrics.
const resumedHeader = "x-vertebra-resumed-after"

const (
	byCut         = "cut"
	byUnavailable = "unavailable"
	byDeadline    = "deadline"
	byIdle        = "idle"
)

type messages[M any] interface{ Recv() (M, error) }

type ending interface{ GetEnd() *modelv1.StreamEnd }

var (
	errLeft   = errors.New("the reader left")
	errSilent = errors.New("nothing came for too long")
)

// resumed yields what a stream brings until it says COMPLETED, opening it again wherever it breaks.
// The last pair may be an error: the service refuses the call, contradicts itself, or brought
// nothing for Pace.Patience. Leaving the loop cancels the stream.
func resumed[M ending, T any](
	ctx context.Context, c *Connection, at cursor[M, T],
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		backoff := newBackoff(c.pace, c.hasAnswered.Load())
		r := &reading[M, T]{connection: c, cursor: at, backoff: backoff, yield: yield}
		if err := r.untilCompleted(ctx); err != nil && !errors.Is(err, errLeft) {
			var none T
			yield(none, err)
		}
	}
}

// reading is a stream that may be opened many times.
type reading[M ending, T any] struct {
	connection  *Connection
	cursor      cursor[M, T]
	backoff     *backoff
	yield       func(T, error) bool
	isCompleted bool
	// failure, wait and endedBy: how the last opening ended.
	failure *Error
	wait    time.Duration
	endedBy string
}

func (r *reading[M, T]) untilCompleted(ctx context.Context) error {
	for {
		if err := r.once(ctx); err != nil || r.isCompleted {
			return err
		}
		if err := r.backoff.wait(ctx, r.failure, r.wait); err != nil {
			return err
		}
	}
}

// once reads one opening until it ends, in order or not; an error is one that no resuming mends.
func (r *reading[M, T]) once(outer context.Context) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	if r.endedBy != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, resumedHeader, r.endedBy)
	}
	r.wait, r.endedBy, r.failure = 0, byCut, &Error{
		Code: codes.Unavailable, Reason: "STREAM_CUT",
		Message: "the stream from " + r.connection.address +
			" broke again and again without bringing more",
	}
	r.backoff.opened()
	stream, err := r.cursor.open(ctx)
	if err != nil {
		return r.broken(outer, ctx, err)
	}
	guard := time.AfterFunc(r.connection.pace.Idle, func() { cancel(errSilent) })
	defer guard.Stop()
	for {
		message, err := stream.Recv()
		guard.Stop() // time that the reader takes does not count
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.broken(outer, ctx, err)
		}
		if err := r.take(message); err != nil {
			return err
		}
		guard.Reset(r.connection.pace.Idle)
	}
}

// broken keeps a failure that may pass; deadlines that are not the caller's are proxies' own.
func (r *reading[M, T]) broken(outer, ctx context.Context, err error) error {
	failure := failureOf(outer, err, r.connection.address)
	if cause := outer.Err(); cause != nil {
		failure.cause = cause
		return failure
	}
	if failure.Code == codes.Canceled {
		failure.cause = nil // by our guard, or by the way
	}
	if !failure.mayPass() && failure.Code != codes.DeadlineExceeded {
		return failure
	}
	r.failure, r.wait = failure, failure.retryAfter()
	switch {
	case context.Cause(ctx) == errSilent:
		r.endedBy = byIdle
	case failure.Code == codes.Unavailable:
		r.endedBy = byUnavailable
	case failure.Code == codes.DeadlineExceeded:
		r.endedBy = byDeadline
	}
	return nil
}

func (r *reading[M, T]) take(message M) error {
	r.backoff.answered()
	items, err := r.cursor.take(message)
	if err != nil {
		return err
	}
	if len(items) > 0 {
		r.backoff.progressed()
	}
	for _, item := range items {
		if !r.yield(item, nil) {
			return errLeft
		}
	}
	end := message.GetEnd()
	if end == nil {
		return nil
	}
	r.wait = end.GetRetryAfter().AsDuration()
	r.endedBy = strings.ToLower(strings.TrimPrefix(end.GetReason().String(), "REASON_"))
	if end.GetReason() == modelv1.StreamEnd_REASON_COMPLETED {
		r.isCompleted = true
		return r.cursor.finish(end)
	}
	return nil
}
