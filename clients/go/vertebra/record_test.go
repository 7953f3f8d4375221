package vertebra_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// recorder notes every opening of a watch and every message, for vertebra.watch_checker (Python).
type recorder struct {
	mutex sync.Mutex
	lines []map[string]any
}

func (r *recorder) note(line map[string]any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.lines = append(r.lines, line)
}

func seconds() float64 { return float64(time.Now().UnixNano()) / 1e9 }

func (r *recorder) record(
	ctx context.Context, description *grpc.StreamDesc, channel *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, channel, method, options...)
	return &recordedStream{ClientStream: stream, recorder: r}, err
}

type recordedStream struct {
	grpc.ClientStream
	recorder *recorder
	opening  map[string]any
}

func (s *recordedStream) SendMsg(message any) error {
	request := message.(*trainerv1.WatchTrainJobRequest)
	s.opening = map[string]any{
		"after_seq": request.GetAfterSeq(), "log_id": request.GetLogId(), "opened_s": seconds(),
	}
	s.recorder.note(map[string]any{"opening": s.opening})
	return s.ClientStream.SendMsg(message)
}

func (s *recordedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err != nil {
		s.opening["status"] = "OK"
		if code := status.Code(err); !errors.Is(err, io.EOF) && code != codes.OK {
			s.opening["status"] = "UNAVAILABLE"
		}
		return err
	}
	text, err := protojson.Marshal(message.(*trainerv1.WatchTrainJobResponse))
	if err != nil {
		return err
	}
	s.recorder.note(map[string]any{"at_s": seconds(), "message": json.RawMessage(text)})
	return nil
}

// The network in front of "torn" cuts and resets a hundred times, within handshakes and messages.
// What is recorded is judged by Python's checker of the six guarantees.
func TestAHundredDisconnectsLoseAndRepeatNothing(t *testing.T) {
	recorder := &recorder{}
	address := addressOf(t, "torn")
	pace := quick
	pace.FirstPatience = time.Minute
	client, err := vertebra.DialTrainer(address, vertebra.Options{
		Pace:        pace,
		DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(recorder.record)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	seqs, err := watched(t, client, vertebra.WatchOptions{})
	if err != nil || len(seqs) < 1000 || !slices.Equal(seqs, oneTo(int64(len(seqs)))) {
		t.Fatalf("%d events, %v", len(seqs), err)
	}
	file, err := os.Create(os.Getenv("VERTEBRA_TEST_RECORD"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	encoder := json.NewEncoder(file)
	for _, line := range recorder.lines {
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
}
