package vertebra_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

const numEvents = 15

func oneTo(last int64) []int64 {
	seqs := []int64{}
	for seq := int64(1); seq <= last; seq++ {
		seqs = append(seqs, seq)
	}
	return seqs
}

func watched(
	t *testing.T, client *vertebra.TrainerClient, options vertebra.WatchOptions,
) ([]int64, error) {
	t.Helper()
	seqs := []int64{}
	for event, err := range client.WatchTrainJob(within(t), theJob, options) {
		if err != nil {
			return seqs, err
		}
		seqs = append(seqs, event.GetSeq())
	}
	return seqs, nil
}

func TestAWatchGoesOnAfterEveryWayToEndAStream(t *testing.T) {
	for _, how := range []string{
		"unavailable", "rst", "cancelled", "silent", "rotate", "draining", "slow", "expired",
	} {
		t.Run(how, func(t *testing.T) {
			seqs, err := watched(t, trainerAt(t, "break-"+how), vertebra.WatchOptions{})
			if err != nil || !slices.Equal(seqs, oneTo(numEvents)) {
				t.Fatalf("%v, %v", seqs, err)
			}
		})
	}
}

func TestAReaderWithoutOurHelperLosesTheRest(t *testing.T) {
	request := &trainerv1.WatchTrainJobRequest{Name: theJob}
	stream, err := trainerAt(t, "break-rotate").Jobs.WatchTrainJob(within(t), request)
	if err != nil {
		t.Fatal(err)
	}
	numTold := 0
	for {
		message, err := stream.Recv()
		if err != nil {
			break
		}
		numTold += len(message.GetEvents().GetEvents())
	}
	if numTold >= numEvents {
		t.Fatalf("%d events: nothing was to be lost here", numTold)
	}
}

func TestALyingTrainerIsRefused(t *testing.T) {
	for lie, told := range map[string]int{"gap": 2, "repeat": 2, "bookmark": 2, "log": 4, "end": 15} {
		t.Run(lie, func(t *testing.T) {
			seqs, err := watched(t, trainerAt(t, "event-"+lie), vertebra.WatchOptions{})
			if !errors.Is(err, vertebra.ErrAnswerRefused) || status.Code(err) != codes.DataLoss {
				t.Fatalf("%v", err)
			}
			if !slices.Equal(seqs, oneTo(int64(len(seqs)))) || len(seqs) > told {
				t.Fatalf("%v were believed", seqs)
			}
		})
	}
}

func TestAWatchBeginsWhereItIsTold(t *testing.T) {
	seqs, err := watched(t, trainerAt(t, "honest"), vertebra.WatchOptions{AfterSeq: 12})
	if err != nil || !slices.Equal(seqs, []int64{13, 14, 15}) {
		t.Fatalf("%v, %v", seqs, err)
	}
}

func TestAWatchFromTheStartBeginsAtTheOldestEventThatIsKept(t *testing.T) {
	seqs, err := watched(t, trainerAt(t, "compacted"), vertebra.WatchOptions{})
	if err != nil || !slices.Equal(seqs, oneTo(numEvents)[5:]) {
		t.Fatalf("%v, %v", seqs, err)
	}
}

func TestEventsThatAreGoneAreAnErrorThatNamesThem(t *testing.T) {
	_, err := watched(t, trainerAt(t, "compacted"), vertebra.WatchOptions{AfterSeq: 2})
	var gone *vertebra.EventsCompactedError
	if !errors.As(err, &gone) || gone.Gap != (vertebra.EventGap{FirstSeq: 3, LastSeq: 5}) {
		t.Fatalf("%v", err)
	}
}

func TestWhoeverIsToldOfAGapGoesOnBehindIt(t *testing.T) {
	var gaps []vertebra.EventGap
	options := vertebra.WatchOptions{
		AfterSeq: 2, OnGap: func(gap vertebra.EventGap) { gaps = append(gaps, gap) },
	}
	seqs, err := watched(t, trainerAt(t, "compacted"), options)
	if err != nil || !slices.Equal(seqs, oneTo(numEvents)[5:]) {
		t.Fatalf("%v, %v", seqs, err)
	}
	if !slices.Equal(gaps, []vertebra.EventGap{{FirstSeq: 3, LastSeq: 5}}) {
		t.Fatalf("%v", gaps)
	}
}

func TestASilentStreamIsCutAndOpenedAgain(t *testing.T) {
	pace := quick
	pace.Idle, pace.FirstPatience = 200*time.Millisecond, time.Minute
	client, err := vertebra.DialTrainer(addressOf(t, "hanging"), vertebra.Options{Pace: pace})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	seqs, err := watched(t, client, vertebra.WatchOptions{})
	if err != nil || !slices.Equal(seqs, oneTo(numEvents)) {
		t.Fatalf("%v, %v", seqs, err)
	}
}

func TestWhoLeavesALoopEndsTheStream(t *testing.T) {
	client := trainerAt(t, "honest")
	for event, err := range client.WatchTrainJob(within(t), theJob, vertebra.WatchOptions{}) {
		if err != nil || event.GetSeq() != 1 {
			t.Fatalf("%v, %v", event, err)
		}
		break
	}
}

func TestACallersOwnCancellationEndsAWatchAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	client := trainerAt(t, "break-rst")
	for event, err := range client.WatchTrainJob(ctx, theJob, vertebra.WatchOptions{}) {
		if last = err; event.GetSeq() == 3 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("%v", last)
	}
}

func TestNoJobIsNoReasonToTryAgain(t *testing.T) {
	client := trainerAt(t, "honest")
	for _, err := range client.WatchTrainJob(within(t), "trainJobs/nope", vertebra.WatchOptions{}) {
		var failure *vertebra.Error
		if !errors.As(err, &failure) || failure.Reason != "JOB_NOT_FOUND" {
			t.Fatalf("%v", err)
		}
	}
}

func TestWaitingReturnsTheFinishedJobAndTellsItsEvents(t *testing.T) {
	numTold := 0
	job, err := trainerAt(t, "break-draining").WaitTrainJob(
		within(t), theJob, vertebra.WatchOptions{}, func(*trainerv1.TrainEvent) { numTold++ })
	if err != nil || !vertebra.IsFinal(job.GetState()) || numTold != numEvents {
		t.Fatalf("%v, %v, %d events", job, err, numTold)
	}
}

func TestAWatchWithoutAServiceGivesUp(t *testing.T) {
	_, err := watched(t, trainerAt(t, "gone"), vertebra.WatchOptions{})
	if !errors.Is(err, vertebra.ErrUnreachable) {
		t.Fatalf("%v", err)
	}
}
