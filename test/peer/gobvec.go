// SPDX-License-Identifier: MIT

package main

import (
	"encoding/gob"
	"flag"
	"fmt"
	"net"
	"strings"
)

// runGobvec prints the stream of spec A.2, one gob message per line. The type
// ids in it belong to the Go version that built the program (spec 5.6).
func runGobvec(args []string) int {
	f := flag.NewFlagSet("gobvec", flag.ContinueOnError)
	shift := f.Int("gob-shift", 0, "add so much to the gob type ids")
	if f.Parse(args) != nil {
		return exitUsage
	}
	shiftGobIDs(*shift)
	loopback := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1).To16(), Port: 40001}
	private := &net.UDPAddr{IP: net.IPv4(10, 1, 2, 3).To4(), Port: 53}
	scoped := &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 65535, Zone: "eth0"}
	vectors := []struct {
		name    string
		message UDPMessage
	}{
		{"16 bytes, hello udp0", UDPMessage{loopback, []byte("hello udp0")}},
		{"4 bytes, x", UDPMessage{private, []byte("x")}},
		{"zone, ab", UDPMessage{scoped, []byte("ab")}},
		{"16 bytes, empty", UDPMessage{loopback, nil}},
		{"no address, q", UDPMessage{nil, []byte("q")}},
		{"zero address, q", UDPMessage{&net.UDPAddr{}, []byte("q")}},
		{"16 bytes, 127 A", UDPMessage{loopback, []byte(strings.Repeat("A", 127))}},
		{"16 bytes, 128 A", UDPMessage{loopback, []byte(strings.Repeat("A", 128))}},
		{"16 bytes, 300 A", UDPMessage{loopback, []byte(strings.Repeat("A", 300))}},
	}

	stream := &splitWriter{}
	encoder := gob.NewEncoder(stream)
	for _, vector := range vectors {
		stream.messages = nil
		if err := encoder.Encode(vector.message); err != nil {
			emit("error", "error", err)
			return exitFailed
		}
		last := len(stream.messages) - 1
		for i, message := range stream.messages {
			name := vector.name
			if i != last {
				name = "descriptor"
			}
			emit("gob", "name", name, "hex", fmt.Sprintf("%x", message))
		}
	}
	return exitOK
}

// splitWriter keeps the writes apart; the encoder does one for each message.
type splitWriter struct{ messages [][]byte }

func (w *splitWriter) Write(p []byte) (int, error) {
	w.messages = append(w.messages, append([]byte(nil), p...))
	return len(p), nil
}
