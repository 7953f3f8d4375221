package vertebra

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"iter"
)

// BlobReader reads the bytes of one stream, however often it is opened. Close it.
type BlobReader struct {
	next func() ([]byte, error, bool)
	stop func()
	rest []byte
	err  error
	// digest is what the whole must have; empty for a part, which cannot be compared.
	digest string
	sha256 hash.Hash
}

func newBlobReader(pieces iter.Seq2[[]byte, error], digest string) *BlobReader {
	next, stop := iter.Pull2(pieces)
	return &BlobReader{next: next, stop: stop, digest: digest, sha256: sha256.New()}
}

// Read gives the bytes in order; each was compared with its offset and its checksum. Instead of
// io.EOF it returns an error that is ErrAnswerRefused where a whole blob has another digest.
func (r *BlobReader) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	r.fill()
	count := copy(into, r.rest)
	r.rest = r.rest[count:]
	if count == 0 {
		return 0, r.err
	}
	return count, nil
}

// WriteTo spares io.Copy a copy of every piece.
func (r *BlobReader) WriteTo(writer io.Writer) (int64, error) {
	var total int64
	for {
		r.fill()
		if len(r.rest) == 0 {
			break
		}
		count, err := writer.Write(r.rest)
		total += int64(count)
		r.rest = r.rest[count:]
		if err != nil {
			return total, err
		}
	}
	if errors.Is(r.err, io.EOF) {
		return total, nil
	}
	return total, r.err
}

// Close ends the stream.
func (r *BlobReader) Close() error {
	r.stop()
	return nil
}

// fill gets the next piece where nothing is left of the last one.
func (r *BlobReader) fill() {
	for len(r.rest) == 0 && r.err == nil {
		data, err, more := r.next()
		switch {
		case !more:
			r.err = r.verified()
		case err != nil:
			r.err = err
		default:
			if r.digest != "" {
				r.sha256.Write(data)
			}
			r.rest = data
		}
	}
}

// verified returns io.EOF where the bytes are what was asked for.
func (r *BlobReader) verified() error {
	if r.digest == "" {
		return io.EOF
	}
	if actual := "sha256:" + hex.EncodeToString(r.sha256.Sum(nil)); actual != r.digest {
		return mismatch(r.digest, actual)
	}
	return io.EOF
}

func mismatch(wanted, actual string) *Error {
	refused := answerRefused("what came for %s has another sha256: %s", wanted, actual)
	refused.Reason = "DIGEST_MISMATCH"
	return refused
}
