package vertebra

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc/codes"

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

type messages[M any] interface{ Recv() (M, error) }

type ending interface{ GetEnd() *modelv1.StreamEnd }

var (
	errLeft   = errors.New("the reader left")
	errSilent = errors.New("nothing came for too long")
)

// resumed yields what a stream brings until it says COMPLETED, opening it again wherever it breaks.
// The last pair may be an error: the service refuses the call, contradicts itself, or brought
// nothing for Pace.Patience. Leaving the loop cancels the stream.
func resumed[M ending, T any](ctx context.Context, c *Connection, at cursor[M, T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := &reading[M, T]{connection: c, cursor: at, backoff: newBackoff(c.pace), yield: yield}
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
	// failure and wait: how the last opening ended.
	failure *Error
	wait    time.Duration
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
	r.wait, r.failure = 0, &Error{
		Code: codes.Unavailable, Reason: "STREAM_CUT",
		Message: "the stream from " + r.connection.address +
			" broke again and again without bringing more",
	}
	r.backoff.opened()
	stream, err := r.cursor.open(ctx)
	if err != nil {
		return r.broken(outer, err)
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
			return r.broken(outer, err)
		}
		if err := r.take(message); err != nil {
			return err
		}
		guard.Reset(r.connection.pace.Idle)
	}
}

// broken keeps a failure that may pass; deadlines that are not the caller's are proxies' own.
func (r *reading[M, T]) broken(outer context.Context, err error) error {
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
	if end.GetReason() == modelv1.StreamEnd_REASON_COMPLETED {
		r.isCompleted = true
		return r.cursor.finish(end)
	}
	return nil
}
