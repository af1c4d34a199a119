// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash"
	"io"
	"math/rand"
	"net"
	"time"
)

type checkOptions struct {
	tcp, udp  string
	bytes     int64
	datagrams int
	size      int
	parallel  int
	timeout   time.Duration
}

// runCheck sends random data through a tunnel to an echo target and compares
// checksums of what went out and what came back.
func runCheck(args []string) int {
	o := &checkOptions{}
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	f.StringVar(&o.tcp, "tcp", "", "TCP `address` of the tunnel")
	f.StringVar(&o.udp, "udp", "", "UDP `address` of the tunnel")
	f.Int64Var(&o.bytes, "bytes", 10000000, "bytes for each TCP connection")
	f.IntVar(&o.datagrams, "datagrams", 20, "datagrams for each UDP socket")
	f.IntVar(&o.size, "size", 9012, "largest datagram; the smallest is empty")
	f.IntVar(&o.parallel, "parallel", 1, "connections at the same time")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "for the whole run")
	if f.Parse(args) != nil || o.tcp == "" && o.udp == "" {
		return exitUsage
	}
	deadline := time.Now().Add(o.timeout)
	results := make(chan error, 2*o.parallel)
	started := 0
	start := func(seed int64, address string, check func(*rand.Rand, time.Time) error) {
		if address != "" {
			started++
			go func() { results <- check(rand.New(rand.NewSource(seed)), deadline) }()
		}
	}
	for i := 1; i <= o.parallel; i++ {
		start(int64(i), o.tcp, o.checkTCP)
		start(int64(-i), o.udp, o.checkUDP)
	}
	code := exitOK
	for ; started > 0; started-- {
		if err := <-results; err != nil {
			emit("checked", "ok", false, "error", err)
			code = exitFailed
		}
	}
	if code == exitOK {
		emit("checked", "ok", true)
	}
	return code
}

func dialUntil(network, address string, deadline time.Time) (net.Conn, error) {
	conn, err := net.DialTimeout(network, address, time.Until(deadline))
	if err == nil {
		err = conn.SetDeadline(deadline)
	}
	return conn, err
}

func (o *checkOptions) checkTCP(source *rand.Rand, deadline time.Time) error {
	conn, err := dialUntil("tcp", o.tcp, deadline)
	if err != nil {
		return err
	}
	defer conn.Close()
	sent := make(chan error, 1)
	out := sha256.New()
	go func() {
		_, err := io.CopyN(io.MultiWriter(conn, out), source, o.bytes)
		sent <- err
	}()
	back := sha256.New()
	n, err := io.CopyN(back, conn, o.bytes)
	if err != nil {
		return fmt.Errorf("got %d of %d bytes back: %v", n, o.bytes, err)
	}
	if err := <-sent; err != nil {
		return err
	}
	return compareSums(out, back)
}

func compareSums(out, back hash.Hash) error {
	if !bytes.Equal(out.Sum(nil), back.Sum(nil)) {
		return errors.New("other data came back than was sent")
	}
	return nil
}

// checkUDP sends the next datagram when the last one has come back, so that
// no buffer on the way can overflow.
func (o *checkOptions) checkUDP(random *rand.Rand, deadline time.Time) error {
	conn, err := dialUntil("udp", o.udp, deadline)
	if err != nil {
		return err
	}
	defer conn.Close()
	buffer := make([]byte, 65536)
	for i := 0; i < o.datagrams; i++ {
		size := 0
		if i > 0 {
			size = 1 + random.Intn(o.size)
		}
		if i == 1 {
			size = o.size
		}
		data := make([]byte, size)
		random.Read(data)
		if _, err := conn.Write(data); err != nil {
			return err
		}
		n, err := conn.Read(buffer)
		if err != nil {
			return fmt.Errorf("datagram %d of %d bytes: %v", i, size, err)
		}
		if !bytes.Equal(buffer[:n], data) {
			return fmt.Errorf("datagram %d came back changed", i)
		}
	}
	return nil
}
