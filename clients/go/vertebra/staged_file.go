package vertebra

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// stagedFile is the hidden file beside a target in which bytes grow; one process at a time fills
// it. It gets the target's name only when it is whole, and keeps what it has when a download stops:
// opening it hashes that, so that only the rest is fetched.
type stagedFile struct {
	target string
	path   string
	file   *os.File
	sha256 hash.Hash
	size   int64
}

// openStaged: the same key, sha256:<hex>, goes on where it stopped.
func openStaged(target, key string) (*stagedFile, error) {
	folder, name := filepath.Split(target)
	if err := os.MkdirAll(filepath.Clean(folder+"."), 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "."+name+"."+key[len("sha256:"):][:16]+".part")
	file, err := openLocked(path)
	if err != nil {
		return nil, err
	}
	staged := &stagedFile{target: target, path: path, file: file, sha256: sha256.New()}
	if staged.size, err = io.Copy(staged.sha256, file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return staged, nil
}

// openLocked returns the file at path, locked; another process may have renamed it meanwhile.
func openLocked(path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		ours, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if there, err := os.Stat(path); err == nil && os.SameFile(ours, there) {
			return file, nil
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
	}
}

// digest is sha256:<hex> of the bytes so far.
func (s *stagedFile) digest() string { return "sha256:" + hex.EncodeToString(s.sha256.Sum(nil)) }

// fill appends pieces.
func (s *stagedFile) fill(pieces iter.Seq2[[]byte, error]) error {
	for data, err := range pieces {
		if err != nil {
			return err
		}
		count, err := s.file.Write(data)
		s.sha256.Write(data[:count])
		s.size += int64(count)
		if err != nil {
			return err
		}
	}
	return nil
}

// restart forgets all bytes: an earlier download left wrong ones.
func (s *stagedFile) restart() error {
	s.sha256.Reset()
	s.size = 0
	return s.file.Truncate(0)
}

// discard removes the hidden file.
func (s *stagedFile) discard() error { return os.Remove(s.path) }

// commit gives the file its name, after its bytes are on the disk.
func (s *stagedFile) commit() error {
	if err := s.file.Sync(); err != nil {
		return err
	}
	if err := os.Rename(s.path, s.target); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(s.target))
}

func (s *stagedFile) close() { _ = s.file.Close() }
