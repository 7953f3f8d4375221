package vertebra_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// A real catalog, that is killed and comes back when its doorbell is rung: see
// tests/clients/restarted_catalog.py. A client that waits for nobody fails meanwhile: gRPC's own
// attempts end before a service is back.
func TestAServiceThatRestartsIsWaitedFor(t *testing.T) {
	patient, impatient := catalogThatReturns(t, patience), catalogThatReturns(t, time.Nanosecond)
	digest := addressOf(t, "digest")
	for _, client := range []*vertebra.CatalogClient{patient, impatient} {
		if _, err := client.Blobs.Stat(t.Context(), digest); err != nil {
			t.Fatal(err)
		}
	}

	ring(t, "leave")
	if _, err := impatient.Blobs.Stat(t.Context(), digest); !errors.Is(err, vertebra.ErrUnreachable) {
		t.Fatalf("%v", err)
	}
	ring(t, "return")
	read := make(chan error)
	go func() { read <- readWhole(t, patient, digest) }()
	_, err := patient.Blobs.Stat(t.Context(), digest)
	if err := errors.Join(err, <-read); err != nil {
		t.Fatal(err)
	}
}

// patience is for as long as a start may take on a machine that is busy with other things.
const patience = 4 * time.Minute

func catalogThatReturns(t *testing.T, away time.Duration) *vertebra.CatalogClient {
	t.Helper()
	pace := quick
	pace.AwayPatience, pace.Patience = away, patience
	client, err := vertebra.DialCatalog(addressOf(t, "returning"), vertebra.Options{Pace: pace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// readWhole reads a blob by a stream and compares it with its digest.
func readWhole(t *testing.T, client *vertebra.CatalogClient, digest string) error {
	reader, err := client.Blobs.ReadBlob(t.Context(), digest)
	if err != nil {
		return err
	}
	defer reader.Close()
	_, err = io.Copy(io.Discard, reader)
	return err
}

func ring(t *testing.T, word string) {
	t.Helper()
	bell, err := net.Dial("tcp", addressOf(t, "doorbell"))
	if err != nil {
		t.Fatal(err)
	}
	defer bell.Close()
	if _, err := fmt.Fprintln(bell, word); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(bell).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
}
