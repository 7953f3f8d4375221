package vertebra

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	defaultTimeout  = time.Minute
	maxMessageBytes = 64 * 1024 * 1024
	unaryAttempts   = 4
)

// serviceConfig is how gRPC itself repeats unary calls; streams are opened again at their cursor.
// Source: gRFC A6.
const serviceConfig = `{
  "methodConfig": [
    {"name": [
      {"service": "vertebra.blob.v1.BlobService", "method": "ReadBlob"},
      {"service": "vertebra.blob.v1.BlobService", "method": "ReadTensors"},
      {"service": "vertebra.blob.v1.BlobService", "method": "WriteBlob"},
      {"service": "vertebra.catalog.v1.ModelService", "method": "BuildModel"},
      {"service": "vertebra.catalog.v1.StorageService", "method": "ExportBundle"},
      {"service": "vertebra.catalog.v1.StorageService", "method": "VerifyCache"},
      {"service": "vertebra.catalog.v1.WeightsService", "method": "EnsureWeights"},
      {"service": "vertebra.diagnostics.v1.PathService"},
      {"service": "vertebra.trainer.v1.TrainJobService", "method": "WatchTrainJob"}
    ]},
    {"name": [{}], "retryPolicy": {
      "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "5s", "backoffMultiplier": 3,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }}
  ],
  "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.1}
}`

// Options of a connection. The zero value is the usual.
type Options struct {
	Credentials Credentials
	// Timeout is the deadline of every attempt of a call that is not a stream, where the caller's
	// context has none that is sooner. Usually a minute.
	Timeout time.Duration
	Pace    Pace
	// DialOptions are added to ours: statistics, interceptors, resolvers.
	DialOptions []grpc.DialOption

	// service tells a gateway in front of both whose bytes are meant; empty: the catalog's.
	service string
}

// serviceHeader says which of two services behind one address is meant, where both have what is
// called.
const serviceHeader = "x-vertebra-service"

// Connection is a channel to one service, with deadlines, retries, request ids and readable errors
// on every call, also on those of stubs that are made with it. Goroutines may share it.
type Connection struct {
	*grpc.ClientConn
	address string
	service string
	timeout time.Duration
	pace    Pace
	// hasAnswered: it was there before, so it is waited for while it restarts.
	hasAnswered atomic.Bool
}

// Dial returns a connection to host:port. Nothing is contacted before the first call.
func Dial(address string, options Options) (*Connection, error) {
	if err := options.Credentials.check(address); err != nil {
		return nil, err
	}
	c := &Connection{
		address: address, service: options.service,
		timeout: options.Timeout, pace: options.Pace.complete(),
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	shown, err := options.Credentials.dialOptions()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(c.dialOptions(), shown, options.DialOptions)
	channel, err := grpc.NewClient(address, all...)
	if err != nil {
		return nil, err
	}
	c.ClientConn = channel
	return c, nil
}

// dialOptions: pings find a dead connection within 50 s; servers refuse them closer than 10 s. A
// service that was away is looked for every 5 s.
func (c *Connection) dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 20 * time.Second,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{
				BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second,
			},
			MinConnectTimeout: 20 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithChainUnaryInterceptor(withRequestID, c.repeating),
		grpc.WithChainStreamInterceptor(c.explaining),
		grpc.WithUserAgent("vertebra-go"),
	}
}

// withRequestID gives every request that has one a request id, unless the caller did: however often
// the way there repeats the call, it counts once.
func withRequestID(
	ctx context.Context, method string, request, answer any, channel *grpc.ClientConn,
	call grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if message, ok := request.(proto.Message); ok {
		request = identified(message)
	}
	return call(ctx, method, request, answer, channel, options...)
}

func identified(request proto.Message) proto.Message {
	fields := request.ProtoReflect()
	field := fields.Descriptor().Fields().ByName("request_id")
	if field == nil || field.Kind() != protoreflect.StringKind || fields.Get(field).String() != "" {
		return request
	}
	request = proto.Clone(request)
	request.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
	return request
}

// repeating calls again when only the way there broke. Unary calls are safe to repeat: reads by
// nature, the others because they carry a request id. gRPC itself repeats them on UNAVAILABLE, for
// about a second; what a proxy or an overloaded server does instead is repeated here, and a service
// that has answered once is waited for while it restarts.
func (c *Connection) repeating(
	ctx context.Context, method string, request, answer any, channel *grpc.ClientConn,
	call grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	began := time.Now()
	for numFailures := 0; ; numFailures++ {
		err := c.attempt(ctx, func(ctx context.Context) error {
			return call(ctx, method, request, answer, channel, options...)
		})
		if err == nil {
			c.hasAnswered.Store(true)
			return nil
		}
		failure := failureOf(ctx, err, c.address)
		isOurs := failure.mayPass() && failure.Code != codes.Unavailable
		if !(isOurs && numFailures+1 < unaryAttempts) && !c.isWaitedFor(ctx, failure, began) {
			return failure
		}
		wait := max(failure.retryAfter(), c.pace.wait(numFailures))
		if err := sleep(ctx, wait); err != nil {
			failure.cause = err
			return failure
		}
	}
}

// isWaitedFor says whether a service that was there before may be there again soon: it restarts.
func (c *Connection) isWaitedFor(ctx context.Context, failure *Error, began time.Time) bool {
	if ctx.Err() != nil || failure.Code == codes.DeadlineExceeded {
		return false
	}
	if !errors.Is(failure, ErrUnreachable) {
		c.hasAnswered.Store(true)
		return false
	}
	return c.hasAnswered.Load() && time.Since(began) < c.pace.AwayPatience
}

func (c *Connection) attempt(ctx context.Context, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(c.addressed(ctx), c.timeout)
	defer cancel()
	return once(ctx)
}

func (c *Connection) addressed(ctx context.Context) context.Context {
	if c.service == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, serviceHeader, c.service)
}

// persist returns what once returns, called again for as long as a stream would be opened again.
func persist[T any](ctx context.Context, c *Connection, once func() (T, error)) (T, error) {
	backoff := newBackoff(c.pace, true)
	backoff.answered()
	for {
		backoff.opened()
		answer, err := once()
		var failure *Error
		if err == nil || !errors.As(err, &failure) || !failure.mayPass() {
			return answer, err
		}
		if err := backoff.wait(ctx, failure, failure.retryAfter()); err != nil {
			return answer, err
		}
	}
}

// explaining gives the errors of streams their reasons and details.
func (c *Connection) explaining(
	ctx context.Context, description *grpc.StreamDesc, channel *grpc.ClientConn, method string,
	open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(c.addressed(ctx), description, channel, method, options...)
	if err != nil {
		return nil, failureOf(ctx, err, c.address)
	}
	return &explainedStream{ClientStream: stream, connection: c}, nil
}

type explainedStream struct {
	grpc.ClientStream
	connection *Connection
}

func (s *explainedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		s.connection.hasAnswered.Store(true)
		return err
	}
	return failureOf(s.Context(), err, s.connection.address)
}
