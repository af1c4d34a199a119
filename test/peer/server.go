// SPDX-License-Identifier: MIT

package main

import (
	"crypto/subtle"
	"errors"
	"flag"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/crypto/ssh"
)

type serverOptions struct {
	listen              string
	auth                stringList
	keySeed             string
	rekeyBytes          uint64
	ciphers, kexs, macs string
	failNewConnection   string
	noReply             bool
	rawReply            string
	pingEvery, duration time.Duration
	monitoring          int
	gobShift            int
}

// server is the installed server, as far as clients see it.
type server struct {
	opts     *serverOptions
	config   *ssh.ServerConfig
	upgrader websocket.Upgrader
	exit     chan int

	mu      sync.Mutex
	lastID  int
	conns   map[int]*session
	clients map[string]*record
}

func serverFlags() (*flag.FlagSet, *serverOptions) {
	o := &serverOptions{}
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "listen `address`")
	f.Var(&o.auth, "auth", "`id:password`; repeatable")
	f.StringVar(&o.keySeed, "key-seed", "", "seed of the host key, empty is a random key")
	f.Uint64Var(&o.rekeyBytes, "rekey-bytes", 0, "key exchange after so many bytes")
	f.StringVar(&o.ciphers, "ciphers", "", "comma separated list")
	f.StringVar(&o.kexs, "kex", "", "comma separated list")
	f.StringVar(&o.macs, "macs", "", "comma separated list")
	f.StringVar(&o.failNewConnection, "fail-new-connection", "", "refuse with this `text`")
	f.BoolVar(&o.noReply, "no-reply", false, "leave new_connection unanswered")
	f.StringVar(&o.rawReply, "raw-reply", "", "success `data` instead of the remotes")
	f.DurationVar(&o.pingEvery, "ping-every", 0, "ping clients, 0 is off (installed: 5m)")
	f.DurationVar(&o.duration, "duration", 0, "stop after this time, 0 is never")
	f.IntVar(&o.monitoring, "monitoring", 1, "MonitoringVersion in put_capabilities")
	f.IntVar(&o.gobShift, "gob-shift", 0, "add so much to the gob type ids")
	return f, o
}

func runServer(args []string) int {
	flags, opts := serverFlags()
	if flags.Parse(args) != nil {
		return exitUsage
	}
	shiftGobIDs(opts.gobShift)
	s := &server{
		opts:    opts,
		exit:    make(chan int, 8),
		conns:   map[int]*session{},
		clients: map[string]*record{},
		// Any origin; no Subprotocols, so none is echoed.
		upgrader: websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }},
	}
	if err := s.start(); err != nil {
		emit("error", "error", err)
		return exitFailed
	}
	go readCommands(s.runCommand)
	if opts.duration > 0 {
		time.AfterFunc(opts.duration, func() { s.exit <- exitOK })
	}
	return <-s.exit
}

func (s *server) start() error {
	key, err := hostKey(s.opts.keySeed)
	if err != nil {
		return err
	}
	s.config = &ssh.ServerConfig{
		Config: ssh.Config{
			RekeyThreshold: s.opts.rekeyBytes,
			Ciphers:        splitList(s.opts.ciphers),
			KeyExchanges:   splitList(s.opts.kexs),
			MACs:           splitList(s.opts.macs),
		},
		ServerVersion:    serverVersion,
		PasswordCallback: s.checkPassword,
	}
	s.config.AddHostKey(key)

	listener, err := net.Listen("tcp", s.opts.listen)
	if err != nil {
		return err
	}
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    maxRequestBytes,
	}
	emit("listening", "addr", listener.Addr().String(),
		"fingerprint", ssh.FingerprintLegacyMD5(key.PublicKey()))
	go func() { _ = web.Serve(listener) }()
	return nil
}

func (s *server) checkPassword(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	given := []byte(meta.User() + ":" + string(password))
	for _, pair := range s.opts.auth {
		if subtle.ConstantTimeCompare([]byte(pair), given) == 1 {
			return nil, nil
		}
	}
	emit("auth-failed", "user", meta.User())
	return nil, errors.New("invalid authentication for client auth ID: " + meta.User())
}

// ServeHTTP is steps 3 and 5 of spec 1.1: upgrade or 404 with an empty body.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	offered := r.Header.Get("Sec-WebSocket-Protocol")
	if strings.ToLower(r.Header.Get("Upgrade")) != "websocket" || offered != subprotocol {
		emit("http", "method", r.Method, "path", r.URL.Path, "protocol", offered, "status", 404)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		emit("http", "method", r.Method, "path", r.URL.Path, "error", err)
		return
	}
	s.serveConn(newWSConn(ws), r)
}

func (s *server) serveConn(ws *wsConn, r *http.Request) {
	conn, channels, requests, err := ssh.NewServerConn(ws, s.config)
	if err != nil {
		emit("handshake-failed", "addr", r.RemoteAddr, "error", err)
		ws.Close()
		return
	}
	s.mu.Lock()
	s.lastID++
	session := &session{server: s, link: newLink(s.lastID, conn, ws), user: conn.User()}
	s.conns[session.link.id] = session
	s.mu.Unlock()

	emit("connected", "conn", session.link.id, "user", conn.User(), "addr", r.RemoteAddr,
		"client_version", string(conn.ClientVersion()), "agent", r.UserAgent(),
		"host", r.Host)
	go session.serveChannels(channels)
	go session.serveRequests(requests)
	err = conn.Wait()
	session.end()
	s.mu.Lock()
	delete(s.conns, session.link.id)
	s.mu.Unlock()
	emit("closed", "conn", session.link.id, "error", errorText(err))
}

// session finds the connection a command is for: the given one or the newest.
func (s *server) session(id int) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id != 0 {
		return s.conns[id]
	}
	newest := 0
	for candidate := range s.conns {
		if candidate > newest {
			newest = candidate
		}
	}
	return s.conns[newest]
}

func (s *server) runCommand(cmd *command) {
	if cmd.Cmd == "quit" {
		s.exit <- exitOK
		return
	}
	session := s.session(cmd.Conn)
	switch {
	case session == nil:
		emit("error", "error", "no such connection", "cmd", cmd.Cmd)
	case !session.link.run(cmd) && !session.runCommand(cmd):
		emit("error", "error", "unknown command "+cmd.Cmd)
	}
}
