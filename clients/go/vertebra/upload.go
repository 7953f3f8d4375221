package vertebra

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	blobv1 "github.com/vertebra/vertebra/clients/go/blob/v1"
)

const (
	// uploadPieceBytes is the size of a message's data.
	uploadPieceBytes = 256 * 1024
	// slowestUploadBytes a second: an upload may take what this speed needs, beyond the usual
	// deadline.
	slowestUploadBytes = 256 * 1024
	// mostInUse is how often an upload that our own broken call still holds is asked for again,
	// before the rest goes under another id. A service lets go of a silent call after 5 s.
	mostInUse = 10
)

// Upload returns the blob that the file at path is now; bytes that are there are not sent. A call
// that breaks is continued where it broke, also by the next process, in whatever language: the
// upload's id follows from the file's digest. onBytes, which may be nil, is told how many bytes
// have gone out.
//
// Errors: DISK_FULL, BLOB_TOO_LARGE, DIGEST_MISMATCH: nothing was stored; ErrAnswerRefused where
// the service says that it stored something else.
func (b *BlobClient) Upload(
	ctx context.Context, path string, onBytes func(int64),
) (*blobv1.Blob, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	announced, err := headerOf(file)
	if err != nil {
		return nil, err
	}
	digest := announced.GetExpectedDigest()
	there, err := b.Stat(ctx, digest)
	if err == nil || status.Code(err) != codes.NotFound {
		return there, err
	}
	blob, err := newUpload(b, file, announced, onBytes).blob(ctx)
	if err != nil {
		return nil, err
	}
	if blob.GetDigest() != digest || blob.GetSizeBytes() != announced.GetExpectedSizeBytes() {
		return nil, answerRefused("%s is %s of %d bytes, but %s says it stored %s of %d bytes", path,
			digest, announced.GetExpectedSizeBytes(), b.connection.address,
			blob.GetDigest(), blob.GetSizeBytes())
	}
	return blob, nil
}

// headerOf announces a file.
func headerOf(file *os.File) (*blobv1.WriteBlobHeader, error) {
	digest, size, err := digestOfBytes(file)
	if err != nil {
		return nil, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte("vertebra-upload:"+digest))
	return &blobv1.WriteBlobHeader{
		ExpectedDigest: digest, ExpectedSizeBytes: size, UploadId: id.String(),
	}, nil
}

// upload is the sending of one file, over as many calls as it takes.
type upload struct {
	connection *Connection
	stub       blobv1.BlobServiceClient
	file       io.ReaderAt
	header     *blobv1.WriteBlobHeader
	onBytes    func(int64)
	backoff    *backoff
	// furthest is how much the service has ever said it has: more is progress.
	furthest int64
	// hasBroken: a call of ours ended in the middle; numInUse is how often it still had the upload.
	hasBroken     bool
	numInUse      int
	hasBegunAgain bool
}

func newUpload(
	client *BlobClient, file io.ReaderAt, header *blobv1.WriteBlobHeader, onBytes func(int64),
) *upload {
	if onBytes == nil {
		onBytes = func(int64) {}
	}
	pace := client.connection.pace
	pace.Steady = math.MaxInt64 // a call that holds is no progress: bytes that arrive are
	return &upload{
		connection: client.connection, stub: client.stub, file: file, header: header,
		onBytes: onBytes, backoff: newBackoff(pace, client.connection.hasAnswered.Load()),
	}
}

// blob returns what the service has made of the file.
func (u *upload) blob(ctx context.Context) (*blobv1.Blob, error) {
	for {
		blob, err := u.once(ctx)
		if err == nil {
			return blob, nil
		}
		if err := u.after(ctx, err); err != nil {
			return nil, err
		}
	}
}

// once sends what the service does not have yet.
func (u *upload) once(ctx context.Context) (*blobv1.Blob, error) {
	arrived, err := u.arrived(ctx)
	if err != nil || arrived.GetComplete() {
		return arrived.GetBlob(), err
	}
	u.backoff.opened()
	size := u.header.GetExpectedSizeBytes()
	slowest := time.Duration(size/slowestUploadBytes) * time.Second
	ctx, cancel := context.WithTimeout(ctx, u.connection.timeout+slowest)
	defer cancel()
	stream, err := u.stub.WriteBlob(ctx)
	if err != nil {
		return nil, err
	}
	// io.EOF is the service's: it has ended the call and says why in its answer.
	err = u.send(stream.Send, min(arrived.GetCommittedBytes(), size))
	if err != nil && err != io.EOF {
		return nil, err
	}
	answer, err := stream.CloseAndRecv()
	return answer.GetBlob(), err
}

// send sends the header and the bytes from offset on.
func (u *upload) send(send func(*blobv1.WriteBlobRequest) error, offset int64) error {
	if err := send(&blobv1.WriteBlobRequest{Header: u.header}); err != nil {
		return err
	}
	for size := u.header.GetExpectedSizeBytes(); offset < size; {
		data := make([]byte, min(uploadPieceBytes, size-offset))
		if count, err := u.file.ReadAt(data, offset); count < len(data) {
			return fmt.Errorf("the file changed while it was sent: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		err := send(&blobv1.WriteBlobRequest{
			Offset: offset, Data: data, Crc32C: proto.Uint32(crc32.Checksum(data, castagnoli)),
		})
		if err != nil {
			return err
		}
		offset += int64(len(data))
		u.onBytes(offset)
	}
	return nil
}

// arrived says what the service has.
func (u *upload) arrived(ctx context.Context) (*blobv1.QueryWriteResponse, error) {
	request := &blobv1.QueryWriteRequest{UploadId: u.header.GetUploadId()}
	answer, err := u.stub.QueryWrite(ctx, request)
	switch status.Code(err) {
	case codes.OK:
	case codes.NotFound, codes.Unimplemented: // nothing yet; an earlier release has no such call
		answer = &blobv1.QueryWriteResponse{}
	default:
		return nil, err
	}
	u.backoff.answered()
	if answer.GetCommittedBytes() > u.furthest {
		u.furthest = answer.GetCommittedBytes()
		u.backoff.progressed()
	}
	return answer, nil
}

// after waits for the next attempt, or returns why there is none.
func (u *upload) after(ctx context.Context, err error) error {
	var failure *Error
	if !errors.As(err, &failure) {
		return err
	}
	switch {
	case failure.Reason == "UPLOAD_IN_USE":
		u.inUse()
	case failure.Reason == "DIGEST_MISMATCH" && u.furthest > 0 && !u.hasBegunAgain:
		u.hasBegunAgain = true // bytes that were there before may be wrong, once
	case failure.mayPass() || (failure.Code == codes.DeadlineExceeded && ctx.Err() == nil):
		u.hasBroken = true // a deadline that is not the caller's is a proxy's: what arrived stays
	default:
		return failure
	}
	_, _ = u.arrived(ctx) // the next attempt will say so
	return u.backoff.wait(ctx, failure, failure.retryAfter())
}

// inUse: the call that holds the upload is our own, that broke and is not missed yet, or another
// process's: then we send beside it.
func (u *upload) inUse() {
	if u.numInUse++; u.hasBroken && u.numInUse < mostInUse {
		return
	}
	u.header.UploadId = uuid.NewString()
	u.hasBroken, u.numInUse = false, 0
}
