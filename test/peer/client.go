// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/crypto/ssh"
)

const dialTimeout = 300 * time.Second

type clientOptions struct {
	server, auth, fingerprint    string
	id, name, session, version   string
	remotes, tunnelAllowed       stringList
	headers, tags, allow, deny   stringList
	delay, pingEvery, duration   time.Duration
	rawNewConnection             string
	firstRequest                 string
	rekeyBytes                   uint64
	ciphers, kexs, macs          string
	attributes, dataDir          string
	measureEvery                 time.Duration
	sendBackLimit, gobShift      int
	processes                    int
	monitoring, scripts, uploads bool
	commands, hostile            bool
}

// client is one run of the installed client: one connection, no retry.
type client struct {
	opts    *clientOptions
	rules   []allowRule
	remotes []*remote
	ws      *wsConn
	conn    ssh.Conn
	link    *link
	kexs    int32
	exit    chan int
	decided chan struct{} // register has its answer, or will get none
}

func clientFlags() (*flag.FlagSet, *clientOptions) {
	o := &clientOptions{}
	f := flag.NewFlagSet("client", flag.ContinueOnError)
	f.StringVar(&o.server, "server", "127.0.0.1:8080", "server `URL`")
	f.StringVar(&o.auth, "auth", "", "`id:password`")
	f.StringVar(&o.fingerprint, "fingerprint", "", "expected MD5 fingerprint, or its beginning")
	f.StringVar(&o.id, "id", "peer-client", "client id, may be empty")
	f.StringVar(&o.name, "name", "peer", "client name")
	f.StringVar(&o.session, "session", newUUID(), "session id")
	f.StringVar(&o.version, "version", "1.0.2", "client version")
	f.Var(&o.remotes, "remote", "tunnel, as text or as JSON object; repeatable")
	f.Var(&o.tunnelAllowed, "tunnel-allowed", "tunnel_allowed entry; repeatable")
	f.Var(&o.headers, "header", "`Name: value` of the upgrade request; repeatable")
	f.Var(&o.tags, "tag", "client tag; repeatable")
	f.Var(&o.allow, "allow", "command allow regexp; repeatable, default all")
	f.Var(&o.deny, "deny", "command deny regexp; repeatable, default none")
	f.DurationVar(&o.delay, "delay", 0, "wait before new_connection (installed: 0-10s)")
	f.DurationVar(&o.pingEvery, "ping-every", 3*time.Minute, "keep-alive interval, 0 is off")
	f.DurationVar(&o.duration, "duration", 0, "stop after this time, 0 is never")
	f.StringVar(&o.rawNewConnection, "raw-new-connection", "", "`file` with the payload to send")
	f.StringVar(&o.firstRequest, "first-request", newConnectionName, "name of the first request")
	f.Uint64Var(&o.rekeyBytes, "rekey-bytes", 0, "key exchange after so many bytes")
	f.StringVar(&o.ciphers, "ciphers", "", "comma separated list")
	f.StringVar(&o.kexs, "kex", "", "comma separated list")
	f.StringVar(&o.macs, "macs", "", "comma separated list")
	f.StringVar(&o.attributes, "attributes", "", "attributes `file` for update_client_metadata")
	f.StringVar(&o.dataDir, "data-dir", "", "`directory` for scripts, default temporary")
	f.IntVar(&o.sendBackLimit, "send-back-limit", 4194304, "limit of stdout and of stderr")
	f.IntVar(&o.gobShift, "gob-shift", 0, "add so much to the gob type ids")
	f.BoolVar(&o.monitoring, "monitoring", true, "send measurements if the server wants them")
	f.DurationVar(&o.measureEvery, "measure-every", time.Minute, "time between measurements")
	f.IntVar(&o.processes, "processes", 1, "number of processes in a measurement")
	f.BoolVar(&o.commands, "commands", true, "remote commands are enabled")
	f.BoolVar(&o.scripts, "scripts", true, "remote scripts are enabled")
	f.BoolVar(&o.uploads, "uploads", true, "file reception is enabled")
	f.BoolVar(&o.hostile, "hostile-fields", false,
		"every text is markup, control characters and long; --id \"\" gives such an id too")
	return f, o
}

func runClient(args []string) int {
	flags, opts := clientFlags()
	if flags.Parse(args) != nil {
		return exitUsage
	}
	shiftGobIDs(opts.gobShift)
	if opts.hostile && opts.id == "" {
		opts.id = hostileID
	}
	c := &client{opts: opts, exit: make(chan int, 8), decided: make(chan struct{})}
	if err := c.prepare(); err != nil {
		emit("error", "error", err)
		return exitUsage
	}
	if opts.dataDir == "" {
		dir, err := os.MkdirTemp("", "rport-peer-")
		if err != nil {
			emit("error", "error", err)
			return exitFailed
		}
		opts.dataDir = dir
		defer os.RemoveAll(dir)
	}
	channels, requests, err := c.connect()
	if err != nil {
		emit("closed", "error", err)
		return exitFailed
	}
	go c.serveRequests(requests)
	go c.serveChannels(channels)
	go c.watch()
	go c.register()
	go readCommands(c.runCommand)
	if opts.duration > 0 {
		time.AfterFunc(opts.duration, func() { c.exit <- exitOK })
	}
	code := <-c.exit
	c.ws.Close()
	return code
}

func (c *client) prepare() error {
	rules, err := parseAllowRules(c.opts.tunnelAllowed)
	if err != nil {
		return err
	}
	c.rules = rules
	for _, text := range c.opts.remotes {
		r, err := parseRemote(text)
		if err != nil {
			return fmt.Errorf("%s: %v", text, err)
		}
		c.remotes = append(c.remotes, r)
	}
	return nil
}

// serverURL is the processing of spec 1.2.
func serverURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if u.User != nil {
		return "", errors.New("user info in the server URL")
	}
	if u.Port() == "" {
		port := "80"
		if u.Scheme == "https" || u.Scheme == "wss" {
			port = "443"
		}
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	return u.String(), nil
}

func (c *client) connect() (<-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	wsURL, err := serverURL(c.opts.server)
	if err != nil {
		return nil, nil, err
	}
	if err := c.upgrade(wsURL); err != nil {
		return nil, nil, err
	}
	user, password := "", ""
	if i := strings.IndexByte(c.opts.auth, ':'); i >= 0 {
		user, password = c.opts.auth[:i], c.opts.auth[i+1:]
	}
	config := &ssh.ClientConfig{
		Config: ssh.Config{
			RekeyThreshold: c.opts.rekeyBytes,
			Ciphers:        splitList(c.opts.ciphers),
			KeyExchanges:   splitList(c.opts.kexs),
			MACs:           splitList(c.opts.macs),
		},
		User:            user,
		Auth:            []ssh.AuthMethod{ssh.Password(password)},
		ClientVersion:   clientVersion,
		HostKeyCallback: c.checkHostKey,
	}
	conn, channels, requests, err := ssh.NewClientConn(c.ws, "", config)
	if err != nil {
		c.ws.Close()
		return nil, nil, err
	}
	c.conn = conn
	c.link = newLink(0, conn, c.ws)
	emit("connected", "server_version", string(conn.ServerVersion()), "session", c.opts.session)
	return channels, requests, nil
}

func (c *client) upgrade(wsURL string) error {
	header := http.Header{"User-Agent": {"rport " + c.opts.version}}
	for _, text := range c.opts.headers {
		parts := strings.SplitN(text, ":", 2)
		if len(parts) != 2 {
			return fmt.Errorf("header without colon: %s", text)
		}
		header.Set(parts[0], strings.TrimSpace(parts[1]))
	}
	// The write buffer of the installed client: longer messages are cut into
	// fragments of 1024 bytes.
	dialer := websocket.Dialer{
		ReadBufferSize:   1024,
		WriteBufferSize:  1024,
		HandshakeTimeout: dialTimeout,
		Subprotocols:     []string{subprotocol},
	}
	ws, response, err := dialer.Dial(wsURL, header)
	if err != nil {
		if response != nil {
			emit("http", "status", response.StatusCode)
			probeVia(wsURL)
		}
		return err
	}
	c.ws = newWSConn(ws)
	return nil
}

// probeVia is the HEAD request that an installed client sends after a failed
// upgrade, to look for a proxy on the way.
func probeVia(wsURL string) {
	prober := &http.Client{Timeout: 10 * time.Second}
	response, err := prober.Head(strings.Replace(wsURL, "ws", "http", 1))
	if err != nil {
		emit("via", "error", err)
		return
	}
	response.Body.Close()
	emit("via", "status", response.StatusCode, "via", response.Header.Get("Via"))
}

// checkHostKey runs in every key exchange, so it also counts them.
func (c *client) checkHostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	fingerprint := ssh.FingerprintLegacyMD5(key)
	count := atomic.AddInt32(&c.kexs, 1)
	emit("kex", "count", count, "fingerprint", fingerprint, "type", key.Type())
	if !strings.HasPrefix(fingerprint, c.opts.fingerprint) {
		return fmt.Errorf("invalid fingerprint (%s)", fingerprint)
	}
	return nil
}

func (c *client) watch() {
	err := c.conn.Wait()
	// A refusal that came right before the end is told before the end.
	select {
	case <-c.decided:
	case <-time.After(time.Second):
	}
	if c.link != nil {
		c.link.settle(time.Second)
	}
	emit("closed", "error", errorText(err), "kex", atomic.LoadInt32(&c.kexs))
	c.exit <- exitClosed
}

func (c *client) runCommand(cmd *command) {
	if c.link.run(cmd) {
		return
	}
	switch cmd.Cmd {
	case "quit":
		c.exit <- exitOK
	default:
		emit("error", "error", "unknown command "+cmd.Cmd)
	}
}
