// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	emitMu    sync.Mutex
	emitStart = time.Now()
)

// emit prints one event line. pairs is key, value, key, value; the order is
// kept, "event" comes first and the milliseconds since start come last.
func emit(event string, pairs ...interface{}) {
	var line bytes.Buffer
	line.WriteString(`{"event":` + encode(event))
	for i := 0; i+1 < len(pairs); i += 2 {
		line.WriteString("," + encode(pairs[i]) + ":" + encode(pairs[i+1]))
	}
	fmt.Fprintf(&line, ",\"ms\":%d}\n", time.Since(emitStart).Milliseconds())

	emitMu.Lock()
	defer emitMu.Unlock()
	os.Stdout.Write(line.Bytes())
}

func encode(value interface{}) string {
	if err, ok := value.(error); ok {
		value = err.Error()
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return encode("unprintable: " + err.Error())
	}
	return strings.TrimRight(out.String(), "\n")
}

// printable shows a payload as JSON where it is JSON and as text otherwise.
func printable(payload []byte) interface{} {
	if json.Valid(payload) {
		return json.RawMessage(payload)
	}
	return string(payload)
}

// stringList is a flag that may be repeated.
type stringList []string

func (l *stringList) String() string { return strings.Join(*l, ",") }

func (l *stringList) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// splitList cuts a comma separated flag; empty means "library default".
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
