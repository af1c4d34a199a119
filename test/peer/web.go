// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

const webPiece = 32 * 1024

// runWeb is a tunnel target that speaks HTTP, or HTTPS with a certificate.
func runWeb(args []string) int {
	f := flag.NewFlagSet("web", flag.ContinueOnError)
	address := f.String("listen", "127.0.0.1:0", "TCP `address`")
	cert := f.String("cert", "", "certificate `file`: HTTPS")
	key := f.String("key", "", "its key `file`")
	if f.Parse(args) != nil {
		return exitUsage
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		emit("error", "error", err)
		return exitFailed
	}
	emit("listening", "tcp", listener.Addr().String())
	mux := http.NewServeMux()
	mux.HandleFunc("/seen", webSeen)
	mux.HandleFunc("/echo", webEcho)
	mux.HandleFunc("/sum", webSum)
	mux.HandleFunc("/bytes", webBytes)
	mux.HandleFunc("/endless", webEndless)
	mux.HandleFunc("/broken", webBroken)
	mux.HandleFunc("/ws", webSocket)
	server := &http.Server{Handler: mux}
	if *cert != "" {
		// Only HTTP/1.1 passes the proxy.
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
		err = server.ServeTLS(listener, *cert, *key)
	} else {
		err = server.Serve(listener)
	}
	emit("error", "error", err)
	return exitFailed
}

// webSeen tells what arrived, one "name: value" to a line.
func webSeen(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "request: %s %s\nhost: %s\nconnection: %s\n", r.Method, r.RequestURI, r.Host, r.RemoteAddr)
	for name, values := range r.Header {
		for _, value := range values {
			fmt.Fprintf(&out, "header %s: %s\n", name, value)
		}
	}
	w.Header().Set("X-Seen", "yes")
	w.Header().Set("Connection", "X-Hop")
	w.Header().Set("X-Hop", "of this hop only")
	_, _ = w.Write(out.Bytes())
}

// webEcho sends the body back while it still comes.
func webEcho(w http.ResponseWriter, r *http.Request) {
	if length := r.Header.Get("Content-Length"); length != "" {
		w.Header().Set("Content-Length", length)
	}
	piece := make([]byte, webPiece)
	for {
		n, err := r.Body.Read(piece)
		if _, werr := w.Write(piece[:n]); werr != nil || err != nil {
			return
		}
	}
}

func webSum(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	emit("sum", "bytes", n, "error", errorText(err))
	fmt.Fprintf(w, "%x\n", sum.Sum(nil))
}

func webBytes(w http.ResponseWriter, r *http.Request) {
	left, _ := strconv.Atoi(r.URL.Query().Get("n"))
	if r.URL.Query().Get("chunked") == "" {
		w.Header().Set("Content-Length", strconv.Itoa(left))
	}
	source := rand.New(rand.NewSource(1))
	_, _ = io.CopyN(w, source, int64(left))
}

// webEndless writes until the other side goes.
func webEndless(w http.ResponseWriter, r *http.Request) {
	piece := make([]byte, webPiece)
	total := 0
	for {
		n, err := w.Write(piece)
		total += n
		if err != nil || r.Context().Err() != nil {
			emit("endless-over", "bytes", total)
			return
		}
	}
}

// webBroken ends in the middle of an answer.
func webBroken(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("early") == "" {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(make([]byte, 20000))
	}
	panic(http.ErrAbortHandler)
}

func webSocket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		emit("ws-refused", "error", err)
		return
	}
	defer ws.Close()
	n := 0
	for {
		kind, message, err := ws.ReadMessage()
		if err != nil {
			emit("ws-over", "messages", n, "error", err)
			return
		}
		n++
		if ws.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// runWscheck sends messages to a WebSocket that echoes them and compares.
func runWscheck(args []string) int {
	f := flag.NewFlagSet("wscheck", flag.ContinueOnError)
	url := f.String("url", "", "`URL` of the WebSocket; certificates are not verified")
	messages := f.Int("messages", 100, "how many")
	user := f.String("user", "", "for Basic login")
	password := f.String("password", "", "for Basic login")
	if f.Parse(args) != nil {
		return exitUsage
	}
	dialer := websocket.Dialer{
		HandshakeTimeout: 20 * time.Second,
		TLSClientConfig:  &tls.Config{InsecureSkipVerify: true},
	}
	head := http.Header{}
	if *user != "" {
		r := http.Request{Header: head}
		r.SetBasicAuth(*user, *password)
	}
	ws, answer, err := dialer.Dial(*url, head)
	if err != nil {
		status := 0
		if answer != nil {
			status = answer.StatusCode
		}
		emit("error", "error", err, "status", status)
		return exitFailed
	}
	defer ws.Close()
	_ = ws.SetReadDeadline(time.Now().Add(60 * time.Second))
	random := rand.New(rand.NewSource(2))
	go func() {
		source := rand.New(rand.NewSource(2))
		for i := 0; i < *messages; i++ {
			if ws.WriteMessage(websocket.BinaryMessage, wsMessage(source)) != nil {
				return
			}
		}
	}()
	total := 0
	for i := 0; i < *messages; i++ {
		_, got, err := ws.ReadMessage()
		if err != nil || !bytes.Equal(got, wsMessage(random)) {
			emit("error", "error", errorText(err), "message", i)
			return exitFailed
		}
		total += len(got)
	}
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "done"),
		time.Now().Add(5*time.Second))
	_, _, err = ws.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		emit("error", "error", err)
		return exitFailed
	}
	emit("checked", "messages", *messages, "bytes", total)
	return exitOK
}

func wsMessage(source *rand.Rand) []byte {
	message := make([]byte, source.Intn(100000))
	_, _ = source.Read(message)
	return message
}
