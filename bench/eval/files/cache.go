// Package cache keeps values in memory until they expire.
package cache

import (
	"errors"
	"sync"
	"time"
)

// ErrNotFound is returned for keys that are missing or have expired.
var ErrNotFound = errors.New("cache: key not found")

type entry struct {
	value   []byte
	expires time.Time
}

// Cache is safe for concurrent use.
type Cache struct {
	mu      sync.RWMutex
	entries map[string]entry
	ttl     time.Duration
	now     func() time.Time
}

// New returns an empty cache whose values live for ttl.
func New(ttl time.Duration) *Cache {
	return &Cache{
		entries: make(map[string]entry),
		ttl:     ttl,
		now:     time.Now,
	}
}

// Get returns the value for key.
func (c *Cache) Get(key string) ([]byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	if !ok || c.now().After(e.expires) {
		return nil, ErrNotFound
	}
	return e.value, nil
}

// Set stores a copy of value.
func (c *Cache) Set(key string, value []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stored := make([]byte, len(value))
	copy(stored, value)
	c.entries[key] = entry{value: stored, expires: c.now().Add(c.ttl)}
}

// Sweep removes what has expired and returns how many entries that were.
func (c *Cache) Sweep() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	removed := 0
	for key, e := range c.entries {
		if c.now().After(e.expires) {
			delete(c.entries, key)
			removed++
		}
	}
	return removed
}
