package vertebra_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// The servers are Python's own fakes: tests/clients/go starts them, and runs these tests with their
// addresses in VERTEBRA_TEST_SERVERS, a JSON object.

const theJob = "trainJobs/abcd"

// quick is everything as usual, but nobody waits for it.
var quick = vertebra.Pace{
	FirstWait: 10 * time.Millisecond, LongestWait: 50 * time.Millisecond,
	Patience: time.Minute, FirstPatience: 300 * time.Millisecond,
}

func addressOf(t *testing.T, name string) string {
	t.Helper()
	text := os.Getenv("VERTEBRA_TEST_SERVERS")
	if text == "" {
		t.Skip("VERTEBRA_TEST_SERVERS is not set: tests/clients/go sets it")
	}
	addresses := map[string]string{}
	if err := json.Unmarshal([]byte(text), &addresses); err != nil {
		t.Fatal(err)
	}
	if addresses[name] == "" {
		t.Fatalf("no server %q among %v", name, addresses)
	}
	return addresses[name]
}

func trainerAt(t *testing.T, name string, more ...grpc.DialOption) *vertebra.TrainerClient {
	t.Helper()
	options := vertebra.Options{Pace: quick, DialOptions: more}
	client, err := vertebra.DialTrainer(addressOf(t, name), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// within is the deadline of a test: far beyond what it needs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
