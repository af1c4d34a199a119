// SPDX-License-Identifier: MIT

package main

import (
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// pipe copies both ways and closes both ends as soon as one direction ends:
// there is no half close in a tunnel (spec 5.5). It returns the bytes of a to
// b and of b to a.
func pipe(a, b io.ReadWriteCloser) (int64, int64) {
	var once sync.Once
	closeBoth := func() {
		a.Close()
		b.Close()
	}
	var wg sync.WaitGroup
	var aToB, bToA int64
	wg.Add(2)
	go func() {
		defer wg.Done()
		aToB, _ = io.Copy(b, a)
		once.Do(closeBoth)
	}()
	go func() {
		defer wg.Done()
		bToA, _ = io.Copy(a, b)
		once.Do(closeBoth)
	}()
	wg.Wait()
	return aToB, bToA
}

// serveChannels is the installed client's side of tunnels. It does not look
// at the channel type (spec 4.4).
func (c *client) serveChannels(channels <-chan ssh.NewChannel) {
	for newChannel := range channels {
		go c.serveChannel(newChannel)
	}
}

func (c *client) serveChannel(newChannel ssh.NewChannel) {
	extra := string(newChannel.ExtraData())
	target, protocol := extra, "tcp"
	if i := strings.IndexByte(extra, '/'); i >= 0 {
		target, protocol = extra[:i], extra[i+1:]
	}
	allowed, err := tunnelAllowed(c.rules, target)
	emit("channel", "type", newChannel.ChannelType(), "extra", extra, "allowed", allowed)
	if err != nil || !allowed {
		text := `not allowed with "tunnel_allowed" config`
		if err != nil {
			text = err.Error()
		}
		_ = newChannel.Reject(ssh.Prohibited, text)
		return
	}

	// Confirmed before the target is dialled; a refused target shows up only
	// as a close.
	channel, requests, err := newChannel.Accept()
	if err != nil {
		emit("channel-failed", "extra", extra, "error", err)
		return
	}
	go ssh.DiscardRequests(requests)
	switch protocol {
	case "tcp":
		serveTCP(channel, target)
	case "udp":
		err := serveUDP(channel, target)
		emit("channel-closed", "extra", extra, "error", errorText(err))
	default:
		channel.Close()
	}
}

func serveTCP(channel ssh.Channel, target string) {
	conn, err := net.Dial("tcp", target)
	if err != nil {
		channel.Close()
		emit("channel-closed", "extra", target, "error", err)
		return
	}
	in, out := pipe(channel, conn)
	emit("channel-closed", "extra", target, "in", in, "out", out)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
