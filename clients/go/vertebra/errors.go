package vertebra

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// longestBusy is how long a service may ask to wait: one that asks for longer has refused, and the
// caller decides.
const longestBusy = 5 * time.Second

// triedLongEnough are reasons of UNAVAILABLE that a service gives after it has tried again itself.
var triedLongEnough = map[string]bool{"WEIGHTS_UNREACHABLE": true}

// ErrUnreachable is in errors of calls that nothing answered: nothing was done.
var ErrUnreachable = errors.New("no service answers")

// ErrAnswerRefused is in errors about answers that cannot be true: bytes, offsets or events out of
// line.
var ErrAnswerRefused = errors.New("the answer cannot be true")

// Violation is one thing wrong with a request: a field path such as spec.model.backbone, and why.
type Violation struct {
	Field       string
	Description string
}

// Link is a page that helps: where access is granted, where something is described.
type Link struct {
	Text string
	URL  string
}

// Error is a call that the service, or the way to it, refused. Error() is one sentence with the way
// out. Find it with errors.As; status.Code works on it, too.
type Error struct {
	Code codes.Code
	// Reason is UPPER_SNAKE_CASE such as ARCHITECTURE_NOT_FOUND; empty where the transport failed.
	Reason   string
	Message  string
	Metadata map[string]string
	// Violations has every problem found in the request.
	Violations []Violation
	// RetryAfter is how long the service asks to wait; nil where it asks nothing.
	RetryAfter *time.Duration
	// Links are pages that help, the best first.
	Links []Link

	cause error
}

// Error returns the sentence for people.
func (e *Error) Error() string { return e.Message }

// Unwrap returns ErrUnreachable, ErrAnswerRefused, or what the caller's context says; or nil.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus lets status.Code and status.FromError read the error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// mayPass says whether the same call may succeed a moment later. Proxies cut streams with INTERNAL
// and RST_STREAM, and an overloaded server rejects with CANCELLED or says how soon it has room.
func (e *Error) mayPass() bool {
	switch e.Code {
	case codes.ResourceExhausted:
		return e.RetryAfter != nil && *e.RetryAfter <= longestBusy
	case codes.Internal:
		return strings.Contains(e.Message, "RST_STREAM") || strings.Contains(e.Message, noTrailers)
	case codes.Unavailable:
		return !triedLongEnough[e.Reason]
	case codes.Canceled:
		return e.cause == nil
	case codes.Unauthenticated:
		return e.Reason == authExpired
	default:
		return false
	}
}

// authExpired is the reason of an upload whose caller was known when it began, and is not any more:
// with a new token it goes on, and with the same one it is refused with another reason.
const authExpired = "AUTH_EXPIRED"

// noTrailers is what grpc-go says of a stream that a proxy ended in the middle.
const noTrailers = "without sending trailers"

func (e *Error) retryAfter() time.Duration {
	if e.RetryAfter == nil {
		return 0
	}
	return *e.RetryAfter
}

func answerRefused(format string, arguments ...any) *Error {
	return &Error{
		Code:    codes.DataLoss,
		Reason:  "ANSWER_REFUSED",
		Message: fmt.Sprintf(format, arguments...),
		cause:   ErrAnswerRefused,
	}
}

// failureOf returns what a failed call to address says, with the details that it carries.
func failureOf(ctx context.Context, err error, address string) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	told := status.Convert(err)
	failure := &Error{Code: told.Code(), Message: told.Message()}
	if len(told.Details()) == 0 {
		failure.withoutDetails(address)
	}
	for _, detail := range told.Details() {
		failure.take(detail)
	}
	if failure.Message == "" {
		failure.Message = fmt.Sprintf("%s answered %s", address, failure.Code)
	}
	if cause := ctx.Err(); cause != nil {
		failure.cause = cause
	}
	return failure
}

func (e *Error) take(detail any) {
	switch detail := detail.(type) {
	case *errdetails.ErrorInfo:
		e.Reason, e.Metadata = detail.Reason, detail.Metadata
	case *errdetails.BadRequest:
		for _, one := range detail.FieldViolations {
			e.Violations = append(e.Violations, Violation{one.Field, one.Description})
		}
	case *errdetails.RetryInfo:
		wait := detail.RetryDelay.AsDuration()
		e.RetryAfter = &wait
	case *errdetails.Help:
		for _, one := range detail.Links {
			e.Links = append(e.Links, Link{one.Description, one.Url})
		}
	}
}

// withoutDetails words an error of the transport itself, which knows nothing of reasons.
func (e *Error) withoutDetails(address string) {
	switch e.Code {
	case codes.Unavailable:
		e.cause = ErrUnreachable
		e.Message = fmt.Sprintf("no service answers at %s (%s)", address, lastWords(e.Message))
	case codes.DeadlineExceeded:
		e.Message = address + " did not answer in time; it may still be working on it"
	case codes.Unimplemented:
		e.Message = address + " does not know this call: is it the other service?"
	}
}

// lastWords returns the telling end of a transport message such as "...: connection refused".
func lastWords(message string) string {
	message = strings.Trim(message, `". ]`)
	if at := strings.LastIndex(message, ": "); at >= 0 {
		message = message[at+2:]
	}
	if message == "" {
		return "connection failed"
	}
	return strings.ToLower(message)
}
