// Package scheduler runs jobs when they are due.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// ErrStopped says that the scheduler does not run any more.
var ErrStopped = errors.New("scheduler: stopped")

// A Job is run once when it is due, and again after each interval that is not nought.
type Job struct {
	Name     string        `json:"name"`
	Due      time.Time     `json:"due"`
	Interval time.Duration `json:"interval,omitempty"`
	Run      func(ctx context.Context) error `json:"-"`
}

type result struct {
	name string
	err  error
}

// Scheduler keeps jobs in the order in which they are due.
type Scheduler struct {
	mu      sync.Mutex
	jobs    []*Job
	results chan result
	stopped bool
	now     func() time.Time
}

func New(now func() time.Time) *Scheduler {
	if now == nil {
		now = time.Now
	}
	return &Scheduler{results: make(chan result, 16), now: now}
}

// Add puts a job in its place.
func (s *Scheduler) Add(job Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return ErrStopped
	}
	if strings.TrimSpace(job.Name) == "" {
		return fmt.Errorf("scheduler: a job that is due at %s has no name", job.Due.Format(time.RFC3339))
	}
	i := sort.Search(len(s.jobs), func(i int) bool { return s.jobs[i].Due.After(job.Due) })
	s.jobs = append(s.jobs, nil)
	copy(s.jobs[i+1:], s.jobs[i:])
	s.jobs[i] = &job
	return nil
}

func (s *Scheduler) due() (jobs []*Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.jobs) > 0 && !s.jobs[0].Due.After(s.now()) {
		jobs = append(jobs, s.jobs[0])
		s.jobs = s.jobs[1:]
	}
	return jobs
}

// Tick runs what is due, and returns when all of it has ended.
func (s *Scheduler) Tick(ctx context.Context) map[string]error {
	var wg sync.WaitGroup
	failed := map[string]error{}
	for _, job := range s.due() {
		wg.Add(1)
		go func(job *Job) {
			defer wg.Done()
			s.results <- result{job.Name, job.Run(ctx)}
		}(job)
		if job.Interval > 0 {
			next := *job
			next.Due = job.Due.Add(job.Interval)
			if err := s.Add(next); err != nil && !errors.Is(err, ErrStopped) {
				failed[job.Name] = err
			}
		}
	}
	go func() {
		wg.Wait()
		close(s.results)
	}()
	for r := range s.results {
		switch {
		case r.err == nil:
			continue
		case errors.Is(r.err, context.Canceled):
			failed[r.name] = fmt.Errorf("%s: gave up: %w", r.name, r.err)
		default:
			failed[r.name] = r.err
		}
	}
	s.results = make(chan result, 16)
	return failed
}
