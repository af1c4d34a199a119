// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// tunnel is the server's listening side.
type tunnel struct {
	session *session
	remote  *remote
	tcp     net.Listener
	udp     *net.UDPConn
	channel ssh.Channel // of udp
}

func (s *session) commandTunnel(cmd *command) {
	host, port, err := net.SplitHostPort(cmd.Listen)
	if err != nil {
		emit("tunnel", "conn", s.link.id, "tag", cmd.Tag, "ok", false, "error", err)
		return
	}
	r := &remote{Protocol: cmd.Proto, LHost: host, LPort: port}
	if r.Protocol == "" {
		r.Protocol = "tcp"
	}
	if r.RHost, r.RPort, err = net.SplitHostPort(cmd.Remote); err == nil {
		if cmd.ACL != "" {
			r.ACL = &cmd.ACL
		}
		err = s.startTunnel(r)
	}
	if err != nil {
		emit("tunnel", "conn", s.link.id, "tag", cmd.Tag, "ok", false, "error", err)
		return
	}
	number, _ := strconv.Atoi(r.LPort)
	emit("tunnel", "conn", s.link.id, "tag", cmd.Tag, "ok", true, "port", number, "remote", r)
}

// startTunnel fills in the local part that was not given. For UDP the channel
// comes first, so a client that rejects it makes the start fail.
func (s *session) startTunnel(r *remote) error {
	if !r.localGiven() {
		r.LHost, r.LPort, r.LPortRandom = "0.0.0.0", "0", true
	}
	t := &tunnel{session: s, remote: r}
	wantTCP := r.Protocol == "tcp" || r.Protocol == "tcp+udp"
	wantUDP := r.Protocol == "udp" || r.Protocol == "tcp+udp"
	if !wantTCP && !wantUDP {
		return errors.New("invalid kind, " + r.Protocol)
	}
	if wantTCP {
		if err := t.listenTCP(); err != nil {
			return err
		}
	}
	if wantUDP {
		if err := t.listenUDP(); err != nil {
			t.close()
			return err
		}
	}
	return s.keep(t)
}

// keep registers a tunnel, or closes it if the connection has ended.
func (s *session) keep(t *tunnel) error {
	port, _ := strconv.Atoi(t.remote.LPort)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		t.close()
		return errors.New("connection has ended")
	}
	if s.tunnels == nil {
		s.tunnels = map[int]*tunnel{}
	}
	s.tunnels[port] = t
	if s.record != nil {
		s.server.mu.Lock()
		s.record.tunnels = append(s.record.tunnels, t.remote)
		s.server.mu.Unlock()
	}
	return nil
}

func (s *session) stopTunnel(port int) {
	s.mu.Lock()
	t := s.tunnels[port]
	delete(s.tunnels, port)
	s.mu.Unlock()
	if t == nil {
		emit("untunnel", "conn", s.link.id, "port", port, "ok", false)
		return
	}
	t.close()
	emit("untunnel", "conn", s.link.id, "port", port, "ok", true)
}

// end closes all listeners; the record keeps the tunnels for the next time.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, t := range s.tunnels {
		t.close()
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if s.record != nil && s.record.current == s {
		s.record.current = nil
	}
}

// close leaves the UDP channel open, as the installed server does (spec 5.6).
func (t *tunnel) close() {
	if t.tcp != nil {
		t.tcp.Close()
	}
	if t.udp != nil {
		t.udp.Close()
	}
}

func listenError(port string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("Local port %s already in use.", port)
	}
	return errors.New("unable to start tunnel: " + err.Error())
}

func (t *tunnel) listenTCP() error {
	listener, err := net.Listen("tcp", net.JoinHostPort(t.remote.LHost, t.remote.LPort))
	if err != nil {
		return listenError(t.remote.LPort, err)
	}
	t.tcp = listener
	t.remote.LPort = strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	go t.acceptLoop()
	return nil
}

func (t *tunnel) acceptLoop() {
	for {
		conn, err := t.tcp.Accept()
		if err != nil {
			return
		}
		if !aclAllows(t.remote.acl(), conn.RemoteAddr()) {
			conn.Close()
			continue
		}
		go t.serve(conn)
	}
}

func (t *tunnel) serve(conn net.Conn) {
	channel, err := t.open(t.remote.target())
	if err != nil {
		emit("tunnel-refused", "conn", t.session.link.id, "remote", t.remote.target(),
			"error", err)
		conn.Close()
		return
	}
	in, out := pipe(conn, channel)
	emit("tunnel-closed", "conn", t.session.link.id, "remote", t.remote.target(),
		"in", in, "out", out)
}

func (t *tunnel) open(extra string) (ssh.Channel, error) {
	channel, requests, err := t.session.link.conn.OpenChannel("rport", []byte(extra))
	if err == nil {
		go ssh.DiscardRequests(requests)
	}
	return channel, err
}

func (t *tunnel) listenUDP() error {
	channel, err := t.open(t.remote.target() + "/udp")
	if err != nil {
		return errors.New("unable to start tunnel: " + err.Error())
	}
	t.channel = channel
	address, err := net.ResolveUDPAddr("udp", net.JoinHostPort(t.remote.LHost, t.remote.LPort))
	if err == nil {
		// A wildcard address is opened for both families: IPv4 senders then
		// have addresses of 16 bytes in the stream.
		t.udp, err = net.ListenUDP("udp", address)
	}
	if err != nil {
		channel.Close()
		return listenError(t.remote.LPort, err)
	}
	t.remote.LPort = strconv.Itoa(t.udp.LocalAddr().(*net.UDPAddr).Port)
	stream := newUDPStream(channel)
	go t.forward(stream)
	go t.backward(stream)
	return nil
}

func (t *tunnel) forward(stream *udpStream) {
	buffer := make([]byte, udpBufferSize)
	for {
		n, from, err := t.udp.ReadFromUDP(buffer)
		if err != nil {
			return
		}
		if !aclAllows(t.remote.acl(), from) {
			continue
		}
		if err := stream.send(from, buffer[:n]); err != nil {
			return
		}
	}
}

func (t *tunnel) backward(stream *udpStream) {
	for {
		message, err := stream.receive()
		if err != nil {
			text := errorText(err)
			if err == io.EOF {
				text = ""
			}
			emit("udp-closed", "conn", t.session.link.id, "remote", t.remote.target(),
				"error", text)
			return
		}
		if message.Addr != nil {
			_, _ = t.udp.WriteToUDP(message.Data, message.Addr)
		}
	}
}
