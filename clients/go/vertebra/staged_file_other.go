//go:build !unix

package vertebra

import "os"

// lock does nothing where there are no advisory locks: one process at a time, please.
func lock(*os.File) error { return nil }

// syncFolder does nothing where folders cannot be opened.
func syncFolder(string) error { return nil }
