// Package words counts words.
package words

import (
	"bufio"
	"io"
	"sort"
	"strings"
)

// Counter remembers how often it has seen a word.
type Counter struct {
	counts map[string]int
}

// NewCounter returns a counter that has seen nothing.
func NewCounter() *Counter {
	return &Counter{counts: make(map[string]int)}
}

// Add counts the words of a text.
func (c *Counter) Add(reader io.Reader) error {
	scanner := bufio.NewScanner(reader)
	scanner.Split(bufio.ScanWords)
	for scanner.Scan() {
		c.counts[strings.ToLower(scanner.Text())]++
	}
	return scanner.Err()
}

// Words returns the words in alphabetical order.
func (c *Counter) Words() []string {
	words := make([]string, 0, len(c.counts))
	for word := range c.counts {
		words = append(words, word)
	}
	sort.Strings(words)
	return words
}

// Type here: func (c *Counter) Count(

