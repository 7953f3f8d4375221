package vertebra

import (
	"context"

	catalogv1 "github.com/vertebra/vertebra/clients/go/catalog/v1"
	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
)

type (
	building = resultCursor[
		*catalogv1.BuildModelResponse, *catalogv1.BuildProgress, *catalogv1.BuiltModel,
	]
	ensuring = resultCursor[
		*catalogv1.EnsureWeightsResponse, *catalogv1.EnsureProgress, *catalogv1.EnsuredWeights,
	]
)

// resultCursor follows a stream of progress until its result comes: calling again with the same
// request joins the same work. P and R are pointers to messages, nil where a message has none.
type resultCursor[M any, P, R comparable] struct {
	what       string
	call       func(context.Context) (messages[M], error)
	progressOf func(M) P
	resultOf   func(M) R
	result     R
}

func (r *resultCursor[M, P, R]) open(ctx context.Context) (messages[M], error) {
	return r.call(ctx)
}

func (r *resultCursor[M, P, R]) take(message M) ([]P, error) {
	var noProgress P
	var noResult R
	if result := r.resultOf(message); result != noResult {
		r.result = result
	}
	if progress := r.progressOf(message); progress != noProgress {
		return []P{progress}, nil
	}
	return nil, nil
}

func (r *resultCursor[M, P, R]) finish(*modelv1.StreamEnd) error {
	var none R
	if r.result == none {
		return answerRefused("%s was called complete, but no result came", r.what)
	}
	return nil
}

// resultOf returns what the stream leads to.
func resultOf[M ending, P, R comparable](
	ctx context.Context, c *Connection, cursor *resultCursor[M, P, R], onProgress func(P),
) (R, error) {
	var none R
	for progress, err := range resumed(ctx, c, cursor) {
		if err != nil {
			return none, err
		}
		if onProgress != nil {
			onProgress(progress)
		}
	}
	return cursor.result, nil
}
