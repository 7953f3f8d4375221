package vertebra_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	blobv1 "github.com/vertebra/vertebra/clients/go/blob/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// The servers' side, and how many bytes went out, is looked at in Python.

// theUpload is a file of three messages; tests/fakes/lying_services.py knows it, too.
func theUpload(t *testing.T) ([]byte, string, string) {
	t.Helper()
	piece, _ := theBlob()
	data := bytes.Repeat(piece, 70)
	path := filepath.Join(t.TempDir(), "backbone.safetensors")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(data)
	return data, "sha256:" + hex.EncodeToString(digest[:]), path
}

func TestAnUploadArrivesWhateverIsThereOfIt(t *testing.T) {
	for _, name := range []string{
		"upload-break", "upload-expired", "upload-missed", "upload-begun", "upload-wrong",
		"upload-held",
	} {
		t.Run(name, func(t *testing.T) {
			data, digest, path := theUpload(t)
			var numBytes int64
			blobs := trainerAt(t, name).Blobs
			blob, err := blobs.Upload(within(t), path, func(now int64) { numBytes = now })
			if err != nil || blob.GetDigest() != digest || numBytes != int64(len(data)) {
				t.Fatalf("%v, %d bytes, %v", blob, numBytes, err)
			}
		})
	}
}

func TestAFileThatIsThereIsNotSent(t *testing.T) {
	data, _ := theBlob()
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	sent := func(int64) { t.Error("bytes went out") }
	if _, err := trainerAt(t, "honest").Blobs.Upload(within(t), path, sent); err != nil {
		t.Fatal(err)
	}
}

func TestARefusedUploadSaysWhy(t *testing.T) {
	for name, reason := range map[string]string{"full": "DISK_FULL", "large": "BLOB_TOO_LARGE"} {
		t.Run(name, func(t *testing.T) {
			_, _, path := theUpload(t)
			_, err := trainerAt(t, "upload-"+name).Blobs.Upload(within(t), path, nil)
			var failure *vertebra.Error
			if !errors.As(err, &failure) || failure.Reason != reason {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestAnUploadThatIsStoredAsSomethingElseIsRefused(t *testing.T) {
	_, _, path := theUpload(t)
	_, err := trainerAt(t, "blob-digest").Blobs.Upload(within(t), path, nil)
	if !errors.Is(err, vertebra.ErrAnswerRefused) {
		t.Fatalf("%v", err)
	}
}

func TestAFileThatIsNotThereIsNotUploaded(t *testing.T) {
	_, err := trainerAt(t, "honest").Blobs.Upload(within(t), "nowhere", nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%v", err)
	}
}

// A real catalog, behind a way that breaks twenty times while the client sends.
func TestAnUploadComesThroughAWayThatBreaksAgainAndAgain(t *testing.T) {
	_, digest, path := theUpload(t)
	blob, err := patientAt(t, "upload-torn").Blobs.Upload(within(t), path, nil)
	if err != nil || blob.GetDigest() != digest {
		t.Fatalf("%v, %v", blob, err)
	}
}

// No connection of this way lets the whole file through: who begins anew each time never ends.
func TestAnUploadThatStartsOverNeverArrives(t *testing.T) {
	data, digest, path := theUpload(t)
	client := patientAt(t, "upload-naive")
	for range 3 {
		stream, err := blobv1.NewBlobServiceClient(client).WriteBlob(within(t))
		if err != nil {
			continue
		}
		_ = stream.Send(&blobv1.WriteBlobRequest{Header: &blobv1.WriteBlobHeader{}})
		for offset := 0; offset < len(data); offset += 100_000 {
			part := data[offset:min(offset+100_000, len(data))]
			_ = stream.Send(&blobv1.WriteBlobRequest{Offset: int64(offset), Data: part})
		}
		if _, err := stream.CloseAndRecv(); err == nil || errors.Is(err, io.EOF) {
			t.Fatalf("it arrived: %v", err)
		}
	}
	blob, err := client.Blobs.Upload(within(t), path, nil)
	if err != nil || blob.GetDigest() != digest {
		t.Fatalf("%v, %v", blob, err)
	}
}

func patientAt(t *testing.T, name string) *vertebra.TrainerClient {
	t.Helper()
	pace := quick
	pace.FirstPatience = time.Minute
	client, err := vertebra.DialTrainer(addressOf(t, name), vertebra.Options{Pace: pace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
