package vertebra_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// The way to "flaky" loses three answers; its log, read by Python, shows one request id.
func TestACallThatIsRepeatedCarriesOneRequestID(t *testing.T) {
	spec := &trainerv1.TrainJobSpec{DisplayName: "from Go"}
	request := &trainerv1.CreateTrainJobRequest{Spec: spec}
	answer, err := trainerAt(t, "flaky").Jobs.CreateTrainJob(within(t), request)
	if err != nil || answer.GetJob().GetSpec().GetDisplayName() != "from Go" {
		t.Fatalf("%v, %v", answer, err)
	}
	if request.GetRequestId() != "" {
		t.Fatal("the caller's request was changed: another call with it would be the same one")
	}
}

func TestARefusalCarriesReasonAndFields(t *testing.T) {
	_, err := trainerAt(t, "refusing").CreateTrainJob(within(t), &trainerv1.TrainJobSpec{})
	var failure *vertebra.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v", err)
	}
	wanted := vertebra.Violation{Field: "spec.num_epochs", Description: "must be at least 1"}
	if failure.Code != codes.InvalidArgument || failure.Reason != "FIELD_INVALID" ||
		len(failure.Violations) != 1 || failure.Violations[0] != wanted {
		t.Fatalf("%+v", failure)
	}
}

func TestNobodyThereIsSaidInOneSentence(t *testing.T) {
	_, err := trainerAt(t, "gone").GetTrainJob(within(t), theJob)
	if !errors.Is(err, vertebra.ErrUnreachable) {
		t.Fatalf("%v", err)
	}
	if err.Error() != "no service answers at localhost:1 (connection refused)" {
		t.Fatalf("%v", err)
	}
}

func TestACallersOwnDeadlineIsNotTriedAgain(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := trainerAt(t, "honest").GetTrainJob(ctx, theJob)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
}

func TestAListIsReadPageByPage(t *testing.T) {
	pages := map[string]vertebra.Page[int]{
		"":  {Items: []int{1, 2}, NextToken: "b"},
		"b": {Items: []int{3}, NextToken: ""},
	}
	sum := 0
	for item, err := range vertebra.Pages(func(token string) (vertebra.Page[int], error) {
		return pages[token], nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
		sum += item
	}
	if sum != 6 {
		t.Fatal(sum)
	}
}

func TestAPageTokenThatComesTwiceEndsAList(t *testing.T) {
	var last error
	for _, err := range vertebra.Pages(func(string) (vertebra.Page[int], error) {
		return vertebra.Page[int]{Items: []int{1}, NextToken: "again"}, nil
	}) {
		last = err
	}
	if !errors.Is(last, vertebra.ErrAnswerRefused) {
		t.Fatalf("%v", last)
	}
}
