// SPDX-License-Identifier: MIT

package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

type wsuserOptions struct {
	url, user, origin, send string
	slow                    time.Duration
	timeout                 time.Duration
}

// runWsuser is a user of the API's WebSockets: it sends one text and prints
// every message as it is, one a line, until the server closes.
func runWsuser(args []string) int {
	o := &wsuserOptions{}
	f := flag.NewFlagSet("wsuser", flag.ContinueOnError)
	f.StringVar(&o.url, "url", "", "`address`, ws://…")
	f.StringVar(&o.user, "user", "", "Basic credentials, `name:password`")
	f.StringVar(&o.origin, "origin", "", "`page` that asks")
	f.StringVar(&o.send, "send", "", "the `text`")
	f.DurationVar(&o.slow, "slow", 0, "wait so long before the first message is read")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "for the whole run")
	if f.Parse(args) != nil || o.url == "" {
		return exitUsage
	}
	return o.run()
}

func (o *wsuserOptions) header() http.Header {
	header := http.Header{}
	if o.user != "" {
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(o.user)))
	}
	if o.origin != "" {
		header.Set("Origin", o.origin)
	}
	return header
}

func (o *wsuserOptions) run() int {
	ws, response, err := websocket.DefaultDialer.Dial(o.url, o.header())
	if err != nil {
		status := 0
		if response != nil {
			status = response.StatusCode
		}
		emit("refused", "status", status, "error", err)
		return exitFailed
	}
	defer ws.Close()
	_ = ws.SetReadDeadline(time.Now().Add(o.timeout))
	if o.send != "" {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(o.send)); err != nil {
			emit("failed", "error", err)
			return exitFailed
		}
	}
	time.Sleep(o.slow)
	return readAll(ws)
}

func readAll(ws *websocket.Conn) int {
	for {
		_, message, err := ws.ReadMessage()
		if err == nil {
			emit("message", "text", string(message))
			continue
		}
		var end *websocket.CloseError
		if !errors.As(err, &end) {
			emit("failed", "error", err)
			return exitTimeout
		}
		emit("closed", "code", end.Code)
		return exitOK
	}
}
