package vertebra

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"os"

	"google.golang.org/protobuf/proto"

	blobv1 "github.com/vertebra/vertebra/clients/go/blob/v1"
)

// BlobClient reads, downloads and uploads blobs of one service: bytes that are known by their sha256.
type BlobClient struct {
	connection *Connection
	stub       blobv1.BlobServiceClient
}

// NewBlobClient returns the blobs of the service that a connection leads to.
func NewBlobClient(connection *Connection) *BlobClient {
	return &BlobClient{connection: connection, stub: blobv1.NewBlobServiceClient(connection)}
}

// Stat returns a blob's digest and size; name is blobs/sha256:<hex> or sha256:<hex>.
//
// Errors: BLOB_NOT_FOUND, or FIELD_INVALID for a malformed name.
func (b *BlobClient) Stat(ctx context.Context, name string) (*blobv1.Blob, error) {
	answer, err := b.stub.StatBlob(ctx, &blobv1.StatBlobRequest{Name: name})
	return answer.GetBlob(), err
}

// ReadBlob returns a blob's bytes, resumed where the stream breaks. Every offset and checksum is
// compared, and the sha256 of the whole before the reader says io.EOF. The context is the stream's:
// when it ends, reading fails.
//
// Errors, from the first Read on: BLOB_NOT_FOUND, DIGEST_MISMATCH; ErrAnswerRefused.
func (b *BlobClient) ReadBlob(ctx context.Context, name string) (*BlobReader, error) {
	pieces, digest, err := b.pieces(ctx, name, 0, 0)
	if err != nil {
		return nil, err
	}
	return newBlobReader(pieces, digest), nil
}

// ReadBlobRange returns a part of a blob: limit 0 is to the end. As ReadBlob, but a part cannot be
// compared with the digest.
//
// Errors, from the first Read on: as ReadBlob, and OFFSET_BEYOND_END, FIELD_INVALID.
func (b *BlobClient) ReadBlobRange(
	ctx context.Context, name string, offset, limit int64,
) (*BlobReader, error) {
	pieces, _, err := b.pieces(ctx, name, offset, limit)
	if err != nil {
		return nil, err
	}
	return newBlobReader(pieces, ""), nil
}

// ReadTensors returns chosen tensors of a built model or a blob as one safetensors file on its way.
// It is not compared with a digest before it ends: SaveTensors does that.
func (b *BlobClient) ReadTensors(
	ctx context.Context, request *blobv1.ReadTensorsRequest,
) *BlobReader {
	cursor := newTensorsCursor(b.stub, request)
	return newBlobReader(resumed(ctx, b.connection, cursor), "")
}

// Download gives path the whole verified blob, and replaces a file that is there. The bytes are
// written to a hidden file beside it, continued from an earlier download of the same blob, compared
// with the digest, put on the disk and only then renamed.
//
// Errors: as ReadBlob; path is left as it was.
func (b *BlobClient) Download(ctx context.Context, name, path string) error {
	digest, err := digestOf(name)
	if err != nil {
		return err
	}
	if existing, err := digestOfFile(path); err == nil && existing == digest {
		return nil
	}
	fetch := func(staged *stagedFile) (string, error) {
		if staged.digest() == digest {
			return digest, nil
		}
		pieces, _, err := b.pieces(ctx, digest, staged.size, 0)
		if err != nil {
			return "", err
		}
		return digest, staged.fill(pieces)
	}
	return stage(path, digest, fetch)
}

// SaveTensors gives path chosen tensors as one verified safetensors file; written as Download does
// it, and continued from an earlier attempt to save the same.
//
// Errors: as ReadTensors in the contract says; ErrAnswerRefused. path is left as it was.
func (b *BlobClient) SaveTensors(
	ctx context.Context, request *blobv1.ReadTensorsRequest, path string,
) error {
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return err
	}
	key := sha256.Sum256(wire)
	fetch := func(staged *stagedFile) (string, error) {
		rest := proto.Clone(request).(*blobv1.ReadTensorsRequest)
		rest.Offset = staged.size
		cursor := newTensorsCursor(b.stub, rest)
		err := staged.fill(resumed(ctx, b.connection, cursor))
		return cursor.digest, err
	}
	return stage(path, "sha256:"+hex.EncodeToString(key[:]), fetch)
}

func (b *BlobClient) pieces(
	ctx context.Context, name string, offset, limit int64,
) (iter.Seq2[[]byte, error], string, error) {
	cursor, err := newBlobCursor(b.stub, name, offset, limit)
	if err != nil {
		return nil, "", err
	}
	return resumed(ctx, b.connection, cursor), cursor.digest, nil
}

// stage fills a hidden file and gives it its name; fetch appends what is missing and says the
// digest of the whole. Where what was there before turns out to be wrong, it starts over.
func stage(path, key string, fetch func(*stagedFile) (string, error)) error {
	staged, err := openStaged(path, key)
	if err != nil {
		return err
	}
	defer staged.close()
	hadSome := staged.size > 0
	wanted, err := fetch(staged)
	if hadSome && (isTooMuch(err) || (err == nil && staged.digest() != wanted)) {
		if err := staged.restart(); err != nil {
			return err
		}
		wanted, err = fetch(staged)
	}
	if err != nil {
		return err
	}
	if actual := staged.digest(); actual != wanted {
		return errors.Join(mismatch(wanted, actual), staged.discard())
	}
	return staged.commit()
}

// isTooMuch: what an earlier download left is longer than the file; then it is wrong, not the call.
func isTooMuch(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Reason == "OFFSET_BEYOND_END"
}

func digestOfFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	digest, _, err := digestOfBytes(file)
	return digest, err
}

// digestOfBytes returns sha256:<hex> of what a reader brings, and how much that is.
func digestOfBytes(reader io.Reader) (string, int64, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, reader)
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), size, err
}
