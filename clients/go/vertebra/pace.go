package vertebra

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// Pace says how long to wait between attempts and when to give up. Zero fields mean the usual.
type Pace struct {
	// FirstWait is doubled after every failure, up to LongestWait. Usually 100 ms and 5 s.
	FirstWait   time.Duration
	LongestWait time.Duration
	// Patience ends a stream that had begun and made no progress for this long. Usually 2 min.
	Patience time.Duration
	// FirstPatience gives up where nothing has ever answered for this long. Usually 2 s.
	FirstPatience time.Duration
	// AwayPatience gives up where a service that had answered before is away for this long: it
	// restarts. Usually 30 s.
	AwayPatience time.Duration
	// Steady: a stream that held this long counts as progress, even when it was silent. Usually 5 s.
	Steady time.Duration
	// Idle cuts a stream on which nothing came for this long. Usually 90 s: six heartbeats.
	Idle time.Duration
}

func (p Pace) complete() Pace {
	for _, row := range []struct {
		field *time.Duration
		usual time.Duration
	}{
		{&p.FirstWait, 100 * time.Millisecond},
		{&p.LongestWait, 5 * time.Second},
		{&p.Patience, 2 * time.Minute},
		{&p.FirstPatience, 2 * time.Second},
		{&p.AwayPatience, 30 * time.Second},
		{&p.Steady, 5 * time.Second},
		{&p.Idle, 90 * time.Second},
	} {
		if *row.field <= 0 {
			*row.field = row.usual
		}
	}
	return p
}

// wait returns the wait after so many failures: doubling, bounded, spread by a fifth.
func (p Pace) wait(numFailures int) time.Duration {
	doubled := float64(p.FirstWait) * math.Exp2(float64(min(numFailures, 16)))
	return time.Duration(min(float64(p.LongestWait), doubled) * (0.8 + 0.4*rand.Float64()))
}

// sleep waits, unless the context ends first; then it returns why.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff waits longer after every break; it starts over only after progress.
type backoff struct {
	pace        Pace
	patience    time.Duration
	numFailures int
	since       time.Time
	openedAt    time.Time
}

func newBackoff(pace Pace, hasAnswered bool) *backoff {
	now := time.Now()
	patience := pace.FirstPatience
	if hasAnswered {
		patience = max(patience, pace.AwayPatience)
	}
	return &backoff{pace: pace, patience: patience, since: now, openedAt: now}
}

// opened notes that a stream is opened now.
func (b *backoff) opened() { b.openedAt = time.Now() }

// answered notes that a service is there: from now on a break is waited out.
func (b *backoff) answered() { b.patience = b.pace.Patience }

// progressed notes that something new came.
func (b *backoff) progressed() { b.numFailures, b.since = 0, time.Now() }

// wait sleeps before the next attempt, or returns failure when patience is spent.
func (b *backoff) wait(ctx context.Context, failure *Error, atLeast time.Duration) error {
	if time.Since(b.openedAt) >= b.pace.Steady {
		b.progressed()
	}
	if time.Since(b.since) > b.patience {
		return failure
	}
	if err := sleep(ctx, max(atLeast, b.pace.wait(b.numFailures))); err != nil {
		failure.cause = err
		return failure
	}
	b.numFailures++
	return nil
}
