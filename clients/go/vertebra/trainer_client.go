package vertebra

import (
	"context"
	"iter"

	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
)

// DefaultTrainer is where `vertebra up` has the trainer.
const DefaultTrainer = "localhost:50552"

// TrainerClient is a connection to one trainer. Jobs is the contract as it is; its unary calls are
// repeated, identified and explained by the connection.
type TrainerClient struct {
	*Connection
	Jobs  trainerv1.TrainJobServiceClient
	Blobs *BlobClient
}

// DialTrainer returns a client of the trainer at host:port. Close it; jobs go on.
func DialTrainer(address string, options Options) (*TrainerClient, error) {
	options.service = "trainer"
	connection, err := Dial(address, options)
	if err != nil {
		return nil, err
	}
	return &TrainerClient{
		Connection: connection,
		Jobs:       trainerv1.NewTrainJobServiceClient(connection),
		Blobs:      NewBlobClient(connection),
	}, nil
}

// CreateTrainJob returns the new job, QUEUED. The request id is made here; use Jobs.CreateTrainJob
// to choose it yourself.
//
// Errors: as TrainJobService.CreateTrainJob in the contract says.
func (t *TrainerClient) CreateTrainJob(
	ctx context.Context, spec *trainerv1.TrainJobSpec,
) (*trainerv1.TrainJob, error) {
	answer, err := t.Jobs.CreateTrainJob(ctx, &trainerv1.CreateTrainJobRequest{Spec: spec})
	return answer.GetJob(), err
}

// GetTrainJob returns one job by name, id or a prefix of its id.
//
// Errors: JOB_NOT_FOUND.
func (t *TrainerClient) GetTrainJob(ctx context.Context, name string) (*trainerv1.TrainJob, error) {
	answer, err := t.Jobs.GetTrainJob(ctx, &trainerv1.GetTrainJobRequest{Name: name})
	return answer.GetJob(), err
}

// ListTrainJobs yields all matching jobs, newest first unless orderBy says otherwise.
//
// Errors: FILTER_INVALID, ORDER_INVALID.
func (t *TrainerClient) ListTrainJobs(
	ctx context.Context, filter, orderBy string,
) iter.Seq2[*trainerv1.TrainJob, error] {
	return Pages(func(token string) (Page[*trainerv1.TrainJob], error) {
		answer, err := t.Jobs.ListTrainJobs(ctx, &trainerv1.ListTrainJobsRequest{
			Filter: filter, OrderBy: orderBy, PageSize: pageSize, PageToken: token,
		})
		return Page[*trainerv1.TrainJob]{answer.GetJobs(), answer.GetNextPageToken()}, err
	})
}

// ListExports yields what a job exported: nothing before it succeeded.
//
// Errors: JOB_NOT_FOUND.
func (t *TrainerClient) ListExports(
	ctx context.Context, name string,
) iter.Seq2[*trainerv1.Export, error] {
	return Pages(func(token string) (Page[*trainerv1.Export], error) {
		answer, err := t.Jobs.ListExports(ctx, &trainerv1.ListExportsRequest{
			Name: name, PageSize: pageSize, PageToken: token,
		})
		return Page[*trainerv1.Export]{answer.GetExports(), answer.GetNextPageToken()}, err
	})
}

// WatchOptions say where a watch begins. The zero value asks for all events that are kept.
type WatchOptions struct {
	// AfterSeq is the last event that is not wanted.
	AfterSeq int64
	// OnGap is told of events that went before they came here; the watch then goes on behind them.
	// Without it they are an *EventsCompactedError.
	OnGap func(EventGap)
}

// WatchTrainJob yields a job's events in order, each once, until the job is in a final state.
// Breaks on the way (proxies, restarts, rotation, an expired token) are mended out of sight. The
// last pair may be an error.
//
// Errors: JOB_NOT_FOUND, CURSOR_AHEAD, LOG_REPLACED; no contact for Pace.Patience;
// *EventsCompactedError; ErrAnswerRefused where an event is missing, or came twice.
func (t *TrainerClient) WatchTrainJob(
	ctx context.Context, name string, options WatchOptions,
) iter.Seq2[*trainerv1.TrainEvent, error] {
	return func(yield func(*trainerv1.TrainEvent, error) bool) {
		cursor := &eventCursor{
			stub: t.Jobs, name: name, seq: options.AfterSeq, onGap: options.OnGap,
			idle: t.pace.Idle,
		}
		for again := true; again; {
			again = false
			for event, err := range resumed(ctx, t.Connection, cursor) {
				if err != nil {
					if err = cursor.mend(err); err == nil {
						again = true
						break
					}
				}
				if !yield(event, err) {
					return
				}
			}
		}
	}
}

// WaitTrainJob returns the job once it is in a final state; onEvent, which may be nil, sees every
// event on the way. A job that failed and is resumed before anyone has looked is waited for again.
//
// Errors: as WatchTrainJob.
func (t *TrainerClient) WaitTrainJob(
	ctx context.Context, name string, options WatchOptions, onEvent func(*trainerv1.TrainEvent),
) (*trainerv1.TrainJob, error) {
	if onEvent == nil {
		onEvent = func(*trainerv1.TrainEvent) {}
		options.OnGap = func(EventGap) {} // nobody misses an event
	}
	for {
		for event, err := range t.WatchTrainJob(ctx, name, options) {
			if err != nil {
				return nil, err
			}
			onEvent(event)
			options.AfterSeq = event.GetSeq()
		}
		job, err := persist(ctx, t.Connection, func() (*trainerv1.TrainJob, error) {
			return t.GetTrainJob(ctx, name)
		})
		if err != nil || IsFinal(job.GetState()) {
			return job, err
		}
		if err := sleep(ctx, t.pace.FirstWait); err != nil {
			return job, err
		}
	}
}

// IsFinal says whether a job in this state is over: only ResumeTrainJob leads out of FAILED and
// CANCELLED.
func IsFinal(state trainerv1.JobState) bool {
	switch state {
	case trainerv1.JobState_JOB_STATE_SUCCEEDED,
		trainerv1.JobState_JOB_STATE_FAILED,
		trainerv1.JobState_JOB_STATE_CANCELLED:
		return true
	default:
		return false
	}
}
