package vertebra_test

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

type watchStream = grpc.ServerStreamingServer[trainerv1.WatchTrainJobResponse]

// noter ends its n-th stream in the n-th way, and notes the headers that it was opened with.
type noter struct {
	trainerv1.UnimplementedTrainJobServiceServer
	ends  []func(watchStream) error
	heard []string
}

func (n *noter) WatchTrainJob(_ *trainerv1.WatchTrainJobRequest, stream watchStream) error {
	headers, _ := metadata.FromIncomingContext(stream.Context())
	n.heard = append(n.heard, fmt.Sprint(
		headers.Get("x-vertebra-service"), headers.Get("x-vertebra-resumed-after")))
	end := n.ends[0]
	n.ends = n.ends[1:]
	return end(stream)
}

func typed(reason modelv1.StreamEnd_Reason) func(watchStream) error {
	return func(stream watchStream) error {
		end := &trainerv1.WatchTrainJobResponse_End{End: &modelv1.StreamEnd{Reason: reason}}
		return stream.Send(&trainerv1.WatchTrainJobResponse{Event: end})
	}
}

func TestAServiceIsToldWhoseItIsAndWhatHadEndedAStream(t *testing.T) {
	service := &noter{ends: []func(watchStream) error{
		func(watchStream) error { return status.Error(codes.Internal, "RST_STREAM") },
		func(watchStream) error { return status.Error(codes.Unavailable, "connection reset") },
		func(watchStream) error { return status.Error(codes.DeadlineExceeded, "upstream timeout") },
		func(stream watchStream) error { <-stream.Context().Done(); return nil },
		typed(modelv1.StreamEnd_REASON_AUTH_EXPIRED),
		typed(modelv1.StreamEnd_REASON_COMPLETED),
	}}
	server := grpc.NewServer()
	trainerv1.RegisterTrainJobServiceServer(server, service)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	pace := quick
	pace.Idle, pace.FirstPatience = 2*time.Second, time.Minute
	client, err := vertebra.DialTrainer(listener.Addr().String(), vertebra.Options{Pace: pace})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	if _, err := watched(t, client, vertebra.WatchOptions{}); err != nil {
		t.Fatal(err)
	}

	wanted := []string{
		"[trainer] []", "[trainer] [cut]", "[trainer] [unavailable]", "[trainer] [deadline]",
		"[trainer] [idle]", "[trainer] [auth_expired]",
	}
	if !slices.Equal(service.heard, wanted) {
		t.Fatalf("%q", service.heard)
	}
}
