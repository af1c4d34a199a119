// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// wsConn makes a byte stream of a WebSocket (spec 1.3): message borders carry
// no meaning, text and binary messages are read alike, only binary is sent.
type wsConn struct {
	*websocket.Conn
	reader  io.Reader
	writeMu sync.Mutex
}

var _ net.Conn = (*wsConn)(nil)

func newWSConn(ws *websocket.Conn) *wsConn {
	ws.SetPongHandler(func(data string) error {
		emit("pong", "data", data)
		return nil
	})
	return &wsConn{Conn: ws}
}

func (c *wsConn) Read(p []byte) (int, error) {
	for {
		if c.reader == nil {
			_, reader, err := c.NextReader()
			if err != nil {
				return 0, err
			}
			c.reader = reader
		}
		n, err := c.reader.Read(p)
		if err == io.EOF {
			c.reader = nil
			err = nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

// Write sends one message; gorilla cuts it into frames of the write buffer's
// size on the client side and sends it whole on the server side.
func (c *wsConn) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if err := c.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *wsConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// drop closes the TCP connection, with an RST if reset is set.
func (c *wsConn) drop(reset bool) {
	if tcp, ok := c.UnderlyingConn().(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// hangUp ends the connection as the installed programs do: TCP is closed
// without a WebSocket close frame and without an SSH disconnect message.
func (c *wsConn) hangUp() { c.drop(false) }
