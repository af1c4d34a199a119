// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"strings"
	"sync"
	"time"
)

// A server that means harm: every request of the protocol with values that
// nobody expects, and floods of channels. What is in it never is a valid
// request, so a client may refuse or answer but must not do anything.

const hostileTimeout = 20 * time.Second

// hostileCount is what became of the requests.
type hostileCount struct{ sent, ok, refused int }

// hostileValues are JSON texts for a field of any type.
func hostileValues() []string {
	return []string{
		"null", "true", "false", "0", "-1", "1.5", "1e308", "-1e400", "2147483648",
		"9223372036854775807", "-9223372036854775808", "18446744073709551616",
		`""`, `" "`, `"x"`, `"\u0000"`, `"\ud800"`, "\"\xff\xfe\"", `"a\nb\r\nc"`,
		`"../../../../../../etc/passwd"`, `"/proc/self/mem"`, `"%s%n%s%n"`,
		`"$(touch /tmp/x)"`, "\"`id`\"",
		"[]", "{}", "[null]", `{"a":1}`, `["a",1,{}]`, `{"":{"":{"":[]}}}`,
		strings.Repeat("[", 63) + strings.Repeat("]", 63),
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		`"` + strings.Repeat("A", 200000) + `"`,
		`"` + strings.Repeat("/../", 2000) + `"`,
		"[" + strings.TrimSuffix(strings.Repeat("0,", 50000), ",") + "]",
	}
}

// hostilePaths are destinations that no file may get to.
func hostilePaths() []string {
	return []string{
		"/usr/bin/x", "/bin/x", "/sbin/x", "/dev/x", "/dev/shm/x", "/boot/x", "/run/x",
		"/lib/x", "/lib64/x", "/usr/bin/../bin/x", "//usr//bin//x", "/usr/./bin/x",
		"/tmp/../usr/bin/x", "/proc/self/root/usr/bin/x", "/proc/1/root/tmp/x",
		"/proc/self/cwd/x", "/proc/self/fd/3", "/sys/kernel/x", "x", "./x", "../x", "~/x",
		"/", "/.", "/..", "/tmp/", "/tmp/.", "/tmp/..", "C:\\Windows\\x", "\\\\host\\x",
		"/tmp/\u0000/x", "/" + strings.Repeat("a", 300), "/" + strings.Repeat("a/", 3000),
		"/usr/bin", "/dev/sda", "/dev/null", "/var/run/x",
	}
}

// hostileBodies are payloads as a whole.
func hostileBodies(random *rand.Rand) [][]byte {
	bodies := [][]byte{
		nil, []byte("null"), []byte("true"), []byte("5"), []byte(`"x"`), []byte("[]"),
		[]byte("{}"), []byte("{"), []byte("}"), []byte(`{"`), []byte(`{"a":}`), []byte("\x00"),
		[]byte("{}{}"), []byte(`{"a":1,"a":2}`), bytes.Repeat([]byte("["), 200000),
		bytes.Repeat([]byte(`{"a":`), 40000), bytes.Repeat([]byte{0xff}, 250000),
		bytes.Repeat([]byte(" "), 250000),
	}
	for i := 0; i < 10; i++ {
		body := make([]byte, random.Intn(2000))
		random.Read(body)
		bodies = append(bodies, body)
	}
	return bodies
}

// hostileRequests are the requests of a server with fields that would be good,
// but for one thing each that makes them harmless for a client that says no.
func hostileRequests(cmd *command) map[string]map[string]string {
	quote := func(text string) string { return encode(text) }
	return map[string]map[string]string{
		"put_capabilities": {"ServerVersion": `"1.0.0"`, "MonitoringVersion": "0",
			"IPAddressesVersion": "0"},
		"check_port":             {"HostPort": `"127.0.0.1:1"`, "Timeout": "1000000"},
		"check_tunnel_allowed":   {"Remote": `"127.0.0.1:1"`},
		"update_client_metadata": {"tags": `["x"]`, "labels": `{"k":"v"}`},
		"refresh_updates_status": {"x": "1"},
		"ping":                   {"x": "1"},
		"unknown":                {"x": "1"},
		"run_cmd": {"jid": `"j1"`, "status": `""`, "finished_at": "null", "client_id": `"c"`,
			"client_name": `"n"`, "command": quote("touch " + cmd.Dest + "/ran"), "cwd": `"/"`,
			"interpreter": `"/bin/sh"`, "pid": "null", "started_at": `"0001-01-01T00:00:00Z"`,
			"created_by": `"admin"`, "timeout_sec": "1", "multi_job_id": "null",
			"schedule_id": "null", "error": `""`, "result": "null", "is_sudo": "false",
			"is_script": "false", "stream_result": "false"},
		"upload": {"ID": `"u1"`, "SourceFilePath": quote(cmd.Source),
			"DestinationPath": quote(cmd.Dest + "/file"), "DestinationFileMode": "420",
			"DestinationFileOwner": `""`, "DestinationFileGroup": `""`, "ForceWrite": "true",
			"Sync": "false", "Md5Checksum": `"AAAAAAAAAAAAAAAAAAAAAA=="`},
	}
}

// hostileBody is the request with one value in the place of another.
func hostileBody(fields map[string]string, key, value string) []byte {
	var body bytes.Buffer
	body.WriteByte('{')
	for name, text := range fields {
		if body.Len() > 1 {
			body.WriteByte(',')
		}
		if name == key {
			text = value
		}
		body.WriteString(encode(name) + ":" + text)
	}
	body.WriteByte('}')
	return body.Bytes()
}

// try sends one request and counts its answer; false if there is none.
func (l *link) try(count *hostileCount, name string, body []byte) bool {
	answered := make(chan error, 1)
	var ok bool
	go func() {
		var err error
		ok, _, err = l.conn.SendRequest(name, true, body)
		answered <- err
	}()
	count.sent++
	select {
	case err := <-answered:
		if err != nil {
			emit("hostile-lost", "conn", l.id, "name", name, "error", err,
				"payload", string(body[:lesser(len(body), 300)]))
			return false
		}
	case <-time.After(hostileTimeout):
		emit("hostile-silent", "conn", l.id, "name", name,
			"payload", string(body[:lesser(len(body), 300)]))
		return false
	}
	if ok {
		count.ok++
	} else {
		count.refused++
	}
	return true
}

func lesser(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// hostileAll are all payloads for a request of that name.
func hostileAll(name string, fields map[string]string, random *rand.Rand) [][]byte {
	bodies := hostileBodies(random)
	for key := range fields {
		for _, value := range hostileValues() {
			bodies = append(bodies, hostileBody(fields, key, value))
		}
	}
	if name == "upload" {
		for _, path := range hostilePaths() {
			text, _ := json.Marshal(path)
			bodies = append(bodies, hostileBody(fields, "DestinationPath", string(text)))
		}
	}
	whole := hostileBody(fields, "", "")
	for i := 0; i < 50; i++ {
		broken := append([]byte(nil), whole...)
		for n := random.Intn(4); n >= 0; n-- {
			broken[random.Intn(len(broken))] = byte(random.Intn(256))
		}
		bodies = append(bodies, broken[:1+random.Intn(len(broken))])
	}
	return bodies
}

// hostile sends everything, one request after the other, some of it also
// without asking for an answer.
func (l *link) hostile(cmd *command) {
	random := rand.New(rand.NewSource(int64(cmd.Port)))
	count := &hostileCount{}
	for name, fields := range hostileRequests(cmd) {
		for _, body := range hostileAll(name, fields, random) {
			if !l.try(count, name, body) {
				return
			}
			if random.Intn(8) == 0 {
				_, _, _ = l.conn.SendRequest(name, false, body)
			}
		}
	}
	for _, name := range []string{"", " ", "upload ", "RUN_CMD", strings.Repeat("n", 60000),
		"\x00\xff\n", "tcpip-forward", "keepalive@openssh.com", "hostkeys-00@openssh.com"} {
		if !l.try(count, name, []byte("{}")) {
			return
		}
	}
	emit("hostile", "conn", l.id, "tag", cmd.Tag, "sent", count.sent, "ok", count.ok,
		"refused", count.refused)
}

// flood opens that many channels, keeps those it gets until the last one has
// its answer, and closes them.
func (l *link) flood(cmd *command) {
	var (
		mu       sync.Mutex
		accepted []func()
		refused  int
		wait     sync.WaitGroup
	)
	turns := make(chan struct{}, 256)
	for i := 0; i < cmd.Port; i++ {
		wait.Add(1)
		turns <- struct{}{}
		go func() {
			defer func() { <-turns; wait.Done() }()
			channel, requests, err := l.conn.OpenChannel(cmd.Type, []byte(cmd.Extra))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
				return
			}
			go func() {
				for range requests {
				}
			}()
			accepted = append(accepted, func() { channel.Close() })
		}()
	}
	wait.Wait()
	for _, end := range accepted {
		end()
	}
	emit("flood", "conn", l.id, "tag", cmd.Tag, "accepted", len(accepted), "refused", refused)
}
