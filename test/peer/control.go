// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/crypto/ssh"
)

// command is one line of JSON on stdin. README.md lists the commands.
type command struct {
	Cmd     string          `json:"cmd"`
	Tag     string          `json:"tag"`
	Conn    int             `json:"conn"`
	Name    string          `json:"name"`
	Want    bool            `json:"want"`
	Payload json.RawMessage `json:"payload"`
	Text    *string         `json:"text"`
	Type    string          `json:"type"`
	Extra   string          `json:"extra"`
	Data    string          `json:"data"`
	Listen  string          `json:"listen"`
	Remote  string          `json:"remote"`
	Proto   string          `json:"proto"`
	ACL     string          `json:"acl"`
	Port    int             `json:"port"`
	Job     json.RawMessage `json:"job"`
	Reset   bool            `json:"reset"`
	Source  string          `json:"source"`
	Dest    string          `json:"dest"`
	Mode    os.FileMode     `json:"mode"`
	Force   bool            `json:"force"`
	Sync    bool            `json:"sync"`
}

// body is the payload as bytes: "text" verbatim, else "payload", else empty.
func (c *command) body() []byte {
	if c.Text != nil {
		return []byte(*c.Text)
	}
	return c.Payload
}

// readCommands calls run for each line until stdin ends; the program lives on
// after that, so that stdin may be /dev/null.
func readCommands(run func(*command)) {
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 1 {
			cmd := &command{}
			if bad := json.Unmarshal(line, cmd); bad != nil {
				emit("error", "error", bad)
			} else {
				run(cmd)
			}
		}
		if err != nil {
			return
		}
	}
}

// link is one SSH connection, as both ends drive it.
type link struct {
	id    int
	conn  ssh.Conn
	ws    *wsConn
	queue chan func()
}

func newLink(id int, conn ssh.Conn, ws *wsConn) *link {
	l := &link{id: id, conn: conn, ws: ws, queue: make(chan func(), 1000)}
	go func() {
		for job := range l.queue {
			job()
		}
	}()
	return l
}

// send sends one global request, prints the reply and returns it. A reply
// that takes longer than an installed peer waits is printed as a time-out.
func (l *link) send(tag, name string, want bool, payload []byte) (bool, []byte, error) {
	timer := time.AfterFunc(replyTimeout, func() {
		emit("timeout", "conn", l.id, "name", name, "tag", tag)
	})
	defer timer.Stop()
	ok, data, err := l.conn.SendRequest(name, want, payload)
	switch {
	case err != nil:
		emit("reply", "conn", l.id, "name", name, "tag", tag, "ok", false, "error", err)
	case want:
		emit("reply", "conn", l.id, "name", name, "tag", tag, "ok", ok, "data",
			printable(data))
	default:
		emit("sent", "conn", l.id, "name", name, "tag", tag)
	}
	return ok, data, err
}

// settle waits until the requests made so far have printed their replies: one
// that came right before the end is told before the end.
func (l *link) settle(limit time.Duration) {
	done := make(chan struct{})
	select {
	case l.queue <- func() { close(done) }:
	default:
		return
	}
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// run executes the commands that client and server share; false if unknown.
func (l *link) run(cmd *command) bool {
	switch cmd.Cmd {
	case "request":
		l.queue <- func() { _, _, _ = l.send(cmd.Tag, cmd.Name, cmd.Want, cmd.body()) }
	case "open":
		go l.open(cmd)
	case "wsping":
		err := l.ws.WriteControl(websocket.PingMessage, []byte(cmd.Data),
			time.Now().Add(time.Second))
		emit("wsping", "conn", l.id, "error", errorText(err))
	case "close":
		l.ws.drop(cmd.Reset)
	case "raw":
		l.raw(cmd)
	case "hostile":
		go l.hostile(cmd)
	case "flood":
		go l.flood(cmd)
	default:
		return false
	}
	return true
}

// open opens a channel, sends data on it and prints what comes back.
func (l *link) open(cmd *command) {
	channel, requests, err := l.conn.OpenChannel(cmd.Type, []byte(cmd.Extra))
	if err != nil {
		emit("opened", "conn", l.id, "tag", cmd.Tag, "ok", false, "error", err)
		return
	}
	go ssh.DiscardRequests(requests)
	emit("opened", "conn", l.id, "tag", cmd.Tag, "ok", true)
	if cmd.Data != "" {
		_, _ = channel.Write([]byte(cmd.Data))
	}
	printStream(channel, func(text string) {
		emit("data", "conn", l.id, "tag", cmd.Tag, "data", text)
	})
	channel.Close()
	emit("channel-closed", "conn", l.id, "tag", cmd.Tag)
}

func printStream(stream io.Reader, show func(text string)) {
	buffer := make([]byte, 4096)
	for {
		n, err := stream.Read(buffer)
		if n > 0 {
			show(string(buffer[:n]))
		}
		if err != nil {
			return
		}
	}
}
