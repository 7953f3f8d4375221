package vertebra

import (
	"context"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"

	"google.golang.org/protobuf/proto"

	blobv1 "github.com/vertebra/vertebra/clients/go/blob/v1"
	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
)

// chunkBytes is the wanted size of a message's data, the largest that a server sends.
const chunkBytes = 1024 * 1024

const unknown = -1

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// digestOf returns sha256:<hex> for blobs/sha256:<hex> or sha256:<hex>.
func digestOf(name string) (string, error) {
	digest := strings.TrimPrefix(name, "blobs/")
	if !digestForm.MatchString(digest) {
		return "", fmt.Errorf("%q is not a blob; expected \"blobs/sha256:<64 hex digits>\"", name)
	}
	return digest, nil
}

// piece is what ReadBlobResponse and ReadTensorsResponse have in common.
type piece interface {
	GetOffset() int64
	GetData() []byte
	GetCrc32C() uint32
}

// position is where the next byte belongs. Every byte before it has come, and only once.
type position struct {
	what   string
	offset int64
	// end is where the bytes end; unknown until the service said it.
	end int64
}

// take returns the piece's bytes, compared with where we are and with their checksum.
func (p *position) take(message piece) ([][]byte, error) {
	data := message.GetData()
	if len(data) == 0 {
		return nil, nil
	}
	if message.GetOffset() != p.offset {
		return nil, answerRefused(
			"%s: asked for offset %d, got offset %d", p.what, p.offset, message.GetOffset())
	}
	if crc32.Checksum(data, castagnoli) != message.GetCrc32C() {
		return nil, answerRefused(
			"%s: the bytes at offset %d do not match their checksum", p.what, p.offset)
	}
	p.offset += int64(len(data))
	if p.end != unknown && p.offset > p.end {
		return nil, answerRefused("%s: %d bytes more than asked for", p.what, p.offset-p.end)
	}
	return [][]byte{data}, nil
}

// finish checks that all the bytes came.
func (p *position) finish() error {
	if p.end != unknown && p.offset < p.end {
		return answerRefused("%s: called complete at %d of %d bytes", p.what, p.offset, p.end)
	}
	return nil
}

// blobCursor is how far a blob, or a range of it, has been read.
type blobCursor struct {
	stub     blobv1.BlobServiceClient
	name     string
	digest   string
	position position
	size     int64
}

func newBlobCursor(
	stub blobv1.BlobServiceClient, name string, offset, limit int64,
) (*blobCursor, error) {
	digest, err := digestOf(name)
	if err != nil {
		return nil, err
	}
	end := int64(unknown)
	if limit > 0 {
		end = offset + limit
	}
	at := position{what: digest, offset: offset, end: end}
	return &blobCursor{stub: stub, name: name, digest: digest, position: at, size: unknown}, nil
}

func (b *blobCursor) open(ctx context.Context) (messages[*blobv1.ReadBlobResponse], error) {
	request := &blobv1.ReadBlobRequest{
		Name: b.name, Offset: b.position.offset, ChunkBytes: chunkBytes,
	}
	if b.position.end != unknown {
		request.Limit = b.position.end - b.position.offset
	}
	return b.stub.ReadBlob(ctx, request)
}

func (b *blobCursor) take(message *blobv1.ReadBlobResponse) ([][]byte, error) {
	if blob := message.GetBlob(); blob != nil {
		if err := b.takeSize(blob); err != nil {
			return nil, err
		}
	}
	return b.position.take(message)
}

func (b *blobCursor) takeSize(blob *blobv1.Blob) error {
	if blob.GetDigest() != b.digest {
		return answerRefused("asked for %s, got %s", b.digest, blob.GetDigest())
	}
	if b.size != unknown && b.size != blob.GetSizeBytes() {
		return answerRefused("%s: first %d, now %d bytes", b.digest, b.size, blob.GetSizeBytes())
	}
	b.size = blob.GetSizeBytes()
	if b.position.end == unknown || b.position.end > b.size {
		b.position.end = b.size
	}
	return nil
}

func (b *blobCursor) finish(*modelv1.StreamEnd) error { return b.position.finish() }

// tensorsCursor is how far a file of chosen tensors has been read.
type tensorsCursor struct {
	stub     blobv1.BlobServiceClient
	request  *blobv1.ReadTensorsRequest
	position position
	// file is what the stream carries, once it said so.
	file *blobv1.TensorsFile
	// digest is sha256:<hex> of the whole file, when it is complete.
	digest string
}

func newTensorsCursor(
	stub blobv1.BlobServiceClient, request *blobv1.ReadTensorsRequest,
) *tensorsCursor {
	at := position{what: request.GetName(), offset: request.GetOffset(), end: unknown}
	return &tensorsCursor{stub: stub, request: request, position: at}
}

func (t *tensorsCursor) open(ctx context.Context) (messages[*blobv1.ReadTensorsResponse], error) {
	request := proto.Clone(t.request).(*blobv1.ReadTensorsRequest)
	request.Offset = t.position.offset
	if request.ChunkBytes == 0 {
		request.ChunkBytes = chunkBytes
	}
	return t.stub.ReadTensors(ctx, request)
}

func (t *tensorsCursor) take(message *blobv1.ReadTensorsResponse) ([][]byte, error) {
	if file := message.GetFile(); file != nil {
		if t.file != nil && t.file.GetEtag() != file.GetEtag() {
			return nil, answerRefused(
				"%s: first %s, now %s", t.position.what, t.file.GetEtag(), file.GetEtag())
		}
		t.file, t.position.end = file, file.GetSizeBytes()
		if file.GetIsNotModified() {
			t.position.end = t.position.offset
		}
	}
	t.digest = message.GetDigest()
	return t.position.take(message)
}

func (t *tensorsCursor) finish(*modelv1.StreamEnd) error {
	if t.file == nil {
		return answerRefused("%s: complete, but it never said what it is", t.position.what)
	}
	return t.position.finish()
}
