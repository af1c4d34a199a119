// SPDX-License-Identifier: MIT

package main

import (
	"encoding/gob"
	"io"
	"net"
	"reflect"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// UDPMessage is the record of the gob stream (spec 5.6). The name and the
// field names are on the wire.
type UDPMessage struct {
	Addr *net.UDPAddr
	Data []byte
}

const (
	udpBufferSize  = 9012
	udpIdleTimeout = 15 * time.Second
)

// shiftGobIDs uses up n type ids. They are numbered for each process and
// differ between Go versions, so a receiver must not expect certain ones.
func shiftGobIDs(n int) {
	for i := 1; i <= n; i++ {
		dummy := reflect.New(reflect.ArrayOf(i, reflect.TypeOf(0)))
		_ = gob.NewEncoder(io.Discard).EncodeValue(dummy)
	}
}

// udpStream is one UDP channel; the encoder is shared by several readers.
type udpStream struct {
	encodeMu sync.Mutex
	encoder  *gob.Encoder
	decoder  *gob.Decoder
}

func newUDPStream(channel io.ReadWriter) *udpStream {
	return &udpStream{encoder: gob.NewEncoder(channel), decoder: gob.NewDecoder(channel)}
}

func (s *udpStream) send(addr *net.UDPAddr, data []byte) error {
	s.encodeMu.Lock()
	defer s.encodeMu.Unlock()
	return s.encoder.Encode(UDPMessage{Addr: addr, Data: data})
}

func (s *udpStream) receive() (*UDPMessage, error) {
	message := &UDPMessage{}
	err := s.decoder.Decode(message)
	return message, err
}

// udpTargets is the installed client's end: one connected socket for each
// sender address, closed after 15 s without traffic.
type udpTargets struct {
	stream *udpStream
	target string
	mu     sync.Mutex
	conns  map[string]net.Conn
}

// serveUDP runs until the channel ends or, as in the installed client, until
// writing to a target fails.
func serveUDP(channel ssh.Channel, target string) error {
	defer channel.Close()
	targets := &udpTargets{
		stream: newUDPStream(channel),
		target: target,
		conns:  map[string]net.Conn{},
	}
	defer targets.closeAll()
	for {
		message, err := targets.stream.receive()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		conn, err := targets.get(message.Addr)
		if err != nil {
			return err
		}
		_ = conn.SetReadDeadline(time.Now().Add(udpIdleTimeout))
		if _, err := conn.Write(message.Data); err != nil {
			return err
		}
	}
}

func (t *udpTargets) get(addr *net.UDPAddr) (net.Conn, error) {
	key := addr.String()
	t.mu.Lock()
	defer t.mu.Unlock()
	if conn := t.conns[key]; conn != nil {
		return conn, nil
	}
	conn, err := net.Dial("udp", t.target)
	if err != nil {
		return nil, err
	}
	t.conns[key] = conn
	go t.returnReplies(addr, key, conn)
	return conn, nil
}

func (t *udpTargets) returnReplies(addr *net.UDPAddr, key string, conn net.Conn) {
	buffer := make([]byte, udpBufferSize)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			break
		}
		if t.stream.send(addr, buffer[:n]) != nil {
			break
		}
		_ = conn.SetReadDeadline(time.Now().Add(udpIdleTimeout))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	conn.Close()
	delete(t.conns, key)
}

func (t *udpTargets) closeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, conn := range t.conns {
		conn.Close()
	}
}
