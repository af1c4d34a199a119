// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"flag"
	"io"
	"math/rand"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type fuzzOptions struct {
	addr        string
	count       int
	concurrency int
	seed        int64
	hold        time.Duration
	kinds       string
}

// fuzzTally counts how connections ended, in total and for each kind.
type fuzzTally struct {
	mu    sync.Mutex
	ended map[string]int
	kinds map[string]map[string]int
}

func (t *fuzzTally) add(kind, end string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended[end]++
	if t.kinds[kind] == nil {
		t.kinds[kind] = map[string]int{}
	}
	t.kinds[kind][end]++
}

// runFuzzconn throws broken connections at a server port. Connection i has
// the seed --seed + i, so the same bytes are sent again for the same flags.
func runFuzzconn(args []string) int {
	o := &fuzzOptions{}
	f := flag.NewFlagSet("fuzzconn", flag.ContinueOnError)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`host:port` to attack")
	f.IntVar(&o.count, "n", 100, "number of connections")
	f.IntVar(&o.concurrency, "concurrency", 20, "open at the same time")
	f.Int64Var(&o.seed, "seed", 1, "seed of the random bytes")
	f.DurationVar(&o.hold, "hold", 2*time.Second, "wait so long for the end of a connection")
	f.StringVar(&o.kinds, "kinds", strings.Join(fuzzKindNames(), ","), "kinds to send, in turn")
	if f.Parse(args) != nil {
		return exitUsage
	}
	kinds := splitList(o.kinds)
	for _, kind := range kinds {
		if fuzzKinds[kind] == nil {
			emit("error", "error", "unknown kind "+kind)
			return exitUsage
		}
	}
	tally := &fuzzTally{ended: map[string]int{}, kinds: map[string]map[string]int{}}
	fuzzAll(o, kinds, tally)
	emit("summary", "total", o.count, "seed", o.seed, "ended", tally.ended, "kinds", tally.kinds)
	if tally.ended["dial-error"] > 0 {
		return exitFailed
	}
	return exitOK
}

func fuzzAll(o *fuzzOptions, kinds []string, tally *fuzzTally) {
	slots := make(chan struct{}, o.concurrency)
	var wg sync.WaitGroup
	for i := 0; i < o.count && len(kinds) > 0; i++ {
		slots <- struct{}{}
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			kind := kinds[i%len(kinds)]
			tally.add(kind, fuzzOne(o, kind, o.seed+int64(i)))
			<-slots
		}(i)
	}
	wg.Wait()
}

// fuzzOne says how the connection ended: "eof", "reset", "http-NNN" (an
// answer that ended the connection), "held" (still open after --hold), ….
func fuzzOne(o *fuzzOptions, kind string, seed int64) string {
	conn, err := net.DialTimeout("tcp", o.addr, 10*time.Second)
	if err != nil {
		return "dial-error"
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(o.hold))

	// Reading runs along with writing, so that neither side can stall.
	attack := &fuzzer{conn: conn, random: rand.New(rand.NewSource(seed))}
	answer := make(chan string, 1)
	go func() { answer <- attack.readEnd() }()
	fuzzKinds[kind](attack)
	return <-answer
}

// fuzzer is one connection of the attack.
type fuzzer struct {
	conn   net.Conn
	random *rand.Rand
}

func (f *fuzzer) readEnd() string {
	var head []byte
	buffer := make([]byte, 4096)
	for {
		n, err := f.conn.Read(buffer)
		if room := 64 - len(head); room > 0 {
			if room > n {
				room = n
			}
			head = append(head, buffer[:room]...)
		}
		if err != nil {
			return endName(err, statusOf(string(head)))
		}
	}
}

// statusOf is the status of an HTTP answer, 0 if there is none.
func statusOf(head string) int {
	fields := strings.Fields(head)
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/1.") {
		return 0
	}
	status, _ := strconv.Atoi(fields[1])
	return status
}

func endName(err error, status int) string {
	end := "error"
	switch {
	case errors.Is(err, io.EOF):
		end = "eof"
	case errors.Is(err, os.ErrDeadlineExceeded):
		end = "held"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		end = "reset"
	}
	if status != 0 {
		return "http-" + strconv.Itoa(status) + "-" + end
	}
	return end
}
