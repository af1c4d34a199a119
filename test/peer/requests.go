// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

// serveRequests answers the server's requests strictly one after the other,
// as the installed client does (spec 4.2).
func (c *client) serveRequests(requests <-chan *ssh.Request) {
	for request := range requests {
		emit("request", "name", request.Type, "want", request.WantReply,
			"payload", printable(request.Payload))
		reply, err := c.answer(request)
		ok := err == nil
		if err != nil {
			reply = []byte(err.Error())
		}
		if request.WantReply {
			_ = request.Reply(ok, reply)
			emit("answer", "name", request.Type, "ok", ok, "data", printable(reply))
		}
	}
}

// answer returns the success data, or the failure text as an error.
func (c *client) answer(request *ssh.Request) ([]byte, error) {
	switch request.Type {
	case "put_capabilities":
		return []byte("null"), c.takeCapabilities(request.Payload)
	case "ping":
		return nil, nil
	}
	if c.opts.hostile {
		return c.hostileAnswer(request)
	}
	switch request.Type {
	case "check_tunnel_allowed":
		return c.checkTunnelAllowed(request.Payload)
	case "check_port":
		return checkPort(request.Payload)
	case "run_cmd":
		return c.runJob(request.Payload)
	case "refresh_updates_status":
		go c.sendUpdatesStatus()
		return []byte("null"), nil
	case "upload":
		return c.upload(request.Payload)
	case "update_client_metadata":
		return c.updateMetadata(request.Payload)
	}
	return nil, errors.New("unknown request")
}

func (c *client) takeCapabilities(payload []byte) error {
	var caps capabilities
	if err := json.Unmarshal(payload, &caps); err != nil {
		emit("error", "error", "put_capabilities: "+err.Error())
		return nil
	}
	if caps.MonitoringVersion > 0 && c.opts.monitoring {
		go c.sendMeasurements()
	}
	return nil
}

func (c *client) checkTunnelAllowed(payload []byte) ([]byte, error) {
	var request tunnelAllowedRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	allowed, err := tunnelAllowed(c.rules, request.Remote)
	if err != nil {
		return nil, err
	}
	return json.Marshal(tunnelAllowedReply{allowed})
}

func checkPort(payload []byte) ([]byte, error) {
	var request checkPortRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", request.HostPort, request.Timeout)
	if err != nil {
		return json.Marshal(checkPortReply{false, err.Error()})
	}
	conn.Close()
	return json.Marshal(checkPortReply{true, ""})
}

func (c *client) updateMetadata(payload []byte) ([]byte, error) {
	if c.opts.attributes == "" {
		return nil, errors.New("attributes file path not set")
	}
	attributes := struct {
		Tags   []string          `json:"tags"`
		Labels map[string]string `json:"labels"`
	}{}
	if err := json.Unmarshal(payload, &attributes); err != nil {
		return nil, errors.New("payload unreadable: " + err.Error())
	}
	text, err := json.Marshal(&attributes)
	if err != nil {
		return nil, errors.New("can't serialize attributes: " + err.Error())
	}
	if err := os.WriteFile(c.opts.attributes, text, 0600); err != nil {
		return nil, errors.New("can't write attributes to file: " + err.Error())
	}
	return []byte(`{"status":"OK"}`), nil
}

// notify sends a request that wants no reply.
func (c *client) notify(name string, value interface{}) {
	payload, err := json.Marshal(value)
	if err == nil {
		_, _, err = c.conn.SendRequest(name, false, payload)
	}
	emit("sent", "name", name, "size", len(payload), "error", errorText(err))
}

func (c *client) sendUpdatesStatus() {
	c.notify("updates_status", map[string]interface{}{
		"refreshed":                  time.Now().UTC(),
		"updates_available":          2,
		"security_updates_available": 1,
		"update_summaries": []map[string]interface{}{{
			"title": "openssl", "description": "3.0.17", "reboot_required": false,
			"is_security_update": true,
		}},
		"reboot_pending": false,
	})
}

// processList is what an installed client says of so many processes, about 240 bytes each.
func processList(n int) string {
	list := make([]map[string]interface{}, n)
	for i := range list {
		list[i] = map[string]interface{}{
			"pid": n - i, "parent_pid": (n - i) / 2, "name": fmt.Sprintf("process-%d", n-i),
			"cmdline": "/usr/lib/some/program --option=value --another=/var/lib/some/file",
			"state":   "sleep", "rss": 11000000, "vms": 160000000, "memory_usage_percent": 0.1,
		}
	}
	text, _ := json.Marshal(list)
	return string(text)
}

// sendMeasurements sends the first one at once and then one after the other.
func (c *client) sendMeasurements() {
	processes := processList(c.opts.processes)
	mountpoints := `{"free_b./":79645835264,"total_b./":270553174016}`
	if c.opts.hostile {
		processes, mountpoints = hostileProcesses(), hostileMountpoints()
	}
	for {
		c.notify("save_measurement", map[string]interface{}{
			"client_id":            "",
			"timestamp":            time.Now().UTC(),
			"cpu_usage_percent":    12.5,
			"memory_usage_percent": 40.25,
			"io_usage_percent":     0.5,
			"processes":            processes,
			"mountpoints":          mountpoints,
			"net_lan":              map[string]int{"in": 100, "out": 200},
			"net_wan":              nil,
		})
		time.Sleep(c.opts.measureEvery)
	}
}
