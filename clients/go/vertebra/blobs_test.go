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

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vertebra/vertebra/clients/go/vertebra"
)

func theBlob() ([]byte, string) {
	data := []byte{}
	for range 40 {
		for value := range 256 {
			data = append(data, byte(value))
		}
	}
	digest := sha256.Sum256(data)
	return data, "sha256:" + hex.EncodeToString(digest[:])
}

func TestABlobIsReadWholeHoweverOftenItsStreamBreaks(t *testing.T) {
	data, digest := theBlob()
	reader, err := trainerAt(t, "blob-break").Blobs.ReadBlob(within(t), "blobs/"+digest)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	told, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(told, data) {
		t.Fatalf("%d of %d bytes, %v", len(told), len(data), err)
	}
}

func TestARangeOfABlobIsThatRange(t *testing.T) {
	data, digest := theBlob()
	reader, err := trainerAt(t, "honest").Blobs.ReadBlobRange(within(t), digest, 1500, 3000)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var told bytes.Buffer
	if _, err := io.Copy(&told, reader); err != nil || !bytes.Equal(told.Bytes(), data[1500:4500]) {
		t.Fatalf("%d bytes, %v", told.Len(), err)
	}
}

func TestLyingBytesAreRefusedAndGetNoName(t *testing.T) {
	_, digest := theBlob()
	for _, lie := range []string{"offset", "checksum", "bytes", "digest", "more", "short"} {
		t.Run(lie, func(t *testing.T) {
			client := trainerAt(t, "blob-"+lie)
			reader, err := client.Blobs.ReadBlob(within(t), digest)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			if _, err := io.ReadAll(reader); !errors.Is(err, vertebra.ErrAnswerRefused) {
				t.Fatalf("read: %v", err)
			}
			path := filepath.Join(t.TempDir(), "blob")
			err = client.Blobs.Download(within(t), digest, path)
			if !errors.Is(err, vertebra.ErrAnswerRefused) {
				t.Fatalf("download: %v", err)
			}
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Fatal("a file with the wrong bytes has the name")
			}
		})
	}
}

func TestADownloadReplacesAFileAndLeavesNothingElse(t *testing.T) {
	data, digest := theBlob()
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := trainerAt(t, "honest").Blobs.Download(within(t), digest, path); err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(told, data) {
		t.Fatalf("%d bytes, %v", len(told), err)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Fatalf("%v", files)
	}
}

func TestADownloadGoesOnFromWhatIsThereAndStartsOverWhereThatIsWrong(t *testing.T) {
	data, digest := theBlob()
	for name, left := range map[string][]byte{
		"right": data[:5000], "wrong": []byte("what is this"), "too long": append(data, 1),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "blob")
			part := filepath.Join(filepath.Dir(path), ".blob."+digest[7:23]+".part")
			if err := os.WriteFile(part, left, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := trainerAt(t, "honest").Blobs.Download(within(t), digest, path); err != nil {
				t.Fatal(err)
			}
			if told, _ := os.ReadFile(path); !bytes.Equal(told, data) {
				t.Fatalf("%d bytes", len(told))
			}
		})
	}
}

func TestABlobThatIsNotThereSaysSo(t *testing.T) {
	digest := "sha256:" + string(bytes.Repeat([]byte("0"), 64))
	_, err := trainerAt(t, "honest").Blobs.Stat(within(t), digest)
	var failure *vertebra.Error
	if !errors.As(err, &failure) || failure.Reason != "BLOB_NOT_FOUND" {
		t.Fatalf("%v", err)
	}
	if status.Code(err) != codes.NotFound {
		t.Fatalf("%v", status.Code(err))
	}
}

func TestANameThatIsNoBlobIsRefusedBeforeAnyCall(t *testing.T) {
	if _, err := trainerAt(t, "gone").Blobs.ReadBlob(within(t), "blobs/md5:12"); err == nil {
		t.Fatal("it was taken")
	}
}
