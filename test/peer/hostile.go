// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A client whose every text tries to do something to the page that shows it:
// markup that sets window.pwned, terminal sequences, control and bidi
// characters, and length. What the wire or the server refuses is left out, so
// that it registers and answers like any other.

const (
	hostileLong   = 10000
	hostileMedium = 4000
	hostileShort  = 300
	// At most 256 bytes without control characters are an id for the server.
	hostileID = "../../hostile/?a=b#%00 \"'><img src=x onerror=window.pwned='id'>\u202ebidi\u2066\u200b"
)

// hostileText is different for every field: the page says which one got through.
func hostileText(field string, length int) string {
	text := fmt.Sprintf("\u202e\u2066%[1]s<script>window.pwned='%[1]s'</script>"+
		"\"'><img src=x onerror=\"window.pwned='%[1]s'\"><svg/onload=window.pwned='%[1]s'>"+
		"</textarea></style></title><iframe srcdoc=\"<script>parent.pwned='%[1]s'</script>\">"+
		"javascript:window.pwned='%[1]s'//{{constructor.constructor('window.pwned=1')()}}${7*7}"+
		"\x1b]0;title\x07\x1b]8;;https://evil.example/\x07link\x1b]8;;\x07\x1b]52;c;cHduZWQ=\x07"+
		"\x1bP+q544e\x1b\\\x1b[2J\x1b[31m\x1b[?1049h\x1bc\x01\x08\x0b\x0c\x0e\x7f\u0085\u009b\r\n\t"+
		"\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u200b\u200d\ufeff\u2028\u2029\u00ad"+
		"\u05d0\u05d1\u0627\u0644 Z\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308a\u0489 "+
		"\U0001f468\u200d\U0001f469\u200d\U0001f467 =cmd|'/c calc'!A1 ../../../etc/passwd %%2e%%2e%%00 ",
		field)
	if length < len(text) {
		return text
	}
	return text + strings.Repeat("W", length-len(text))
}

func hostileRegistration(o *clientOptions, remotes []*remote) ([]byte, error) {
	config := defaultConfiguration()
	config.Client.ID = o.id
	config.Client.Name = hostileText("config-name", hostileMedium)
	config.Client.Server = hostileText("config-server", hostileMedium)
	config.Client.TunnelAllowed = []string{hostileText("config-tunnel-allowed", hostileMedium)}
	config.Client.DataDir = hostileText("config-data-dir", hostileMedium)
	config.RemoteCommands.Allow = []string{hostileText("config-allow", hostileMedium)}
	config.RemoteCommands.Deny = []string{hostileText("config-deny", hostileMedium)}
	config.FileReception.Protected = []string{hostileText("config-protected", hostileMedium)}
	return json.Marshal(&connectionRequest{
		ID:                     o.id,
		Name:                   hostileText("name", hostileLong),
		SessionID:              o.session,
		OS:                     hostileText("os", hostileLong),
		OSFullName:             hostileText("os-full-name", hostileLong),
		OSVersion:              hostileText("os-version", hostileMedium),
		OSVirtualizationSystem: hostileText("virtualization-system", hostileMedium),
		OSVirtualizationRole:   hostileText("virtualization-role", hostileMedium),
		OSArch:                 hostileText("os-arch", hostileMedium),
		OSFamily:               hostileText("os-family", hostileMedium),
		OSKernel:               hostileText("os-kernel", hostileMedium),
		Version:                hostileText("version", hostileMedium),
		Hostname:               hostileText("hostname", hostileLong),
		CPUFamily:              hostileText("cpu-family", hostileMedium),
		CPUModel:               hostileText("cpu-model", hostileMedium),
		CPUModelName:           hostileText("cpu-model-name", hostileMedium),
		CPUVendor:              hostileText("cpu-vendor", hostileMedium),
		NumCPUs:                -1,
		MemoryTotal:            1<<64 - 1,
		Timezone:               hostileText("timezone", hostileMedium),
		IPv4:                   []string{hostileText("ipv4", hostileMedium)},
		IPv6:                   []string{hostileText("ipv6", hostileMedium), "::1"},
		Tags: []string{hostileText("tag", hostileLong), "plain-tag", "",
			"\u202eevil-tag"},
		Labels: map[string]string{
			hostileText("label-key", hostileMedium): hostileText("label-value", hostileLong),
			"__proto__":                             hostileText("label-proto", hostileShort), "city": "Cologne",
		},
		Remotes:             remotes,
		ClientConfiguration: config,
	})
}

// sendHostile is what an installed client tells of itself without being asked.
func (c *client) sendHostile() {
	c.sendHostileUpdates()
	c.notify("ip_addresses", map[string]interface{}{
		"ipv4": hostileText("ext-ipv4", hostileLong), "ipv6": hostileText("ext-ipv6", hostileLong),
		"updated_at": time.Now().UTC(), "error": hostileText("ext-error", hostileLong),
	})
}

func (c *client) sendHostileUpdates() {
	var summaries []map[string]interface{}
	for i := 0; i < 5; i++ {
		summaries = append(summaries, map[string]interface{}{
			"title":              hostileText(fmt.Sprintf("update-title-%d", i), hostileLong),
			"description":        hostileText(fmt.Sprintf("update-description-%d", i), hostileLong),
			"is_security_update": i == 0, "reboot_required": i == 1,
		})
	}
	c.notify("updates_status", map[string]interface{}{
		"refreshed": time.Now().UTC(), "updates_available": 5, "security_updates_available": 1,
		"update_summaries": summaries, "reboot_pending": true,
		"error": hostileText("updates-error", hostileLong),
		"hint":  hostileText("updates-hint", hostileLong),
	})
}

func hostileProcesses() string {
	var list []map[string]interface{}
	for i := 0; i < 6; i++ {
		list = append(list, map[string]interface{}{
			"pid": 6 - i, "parent_pid": 0, "rss": 11000000, "vms": 160000000,
			"memory_usage_percent": 0.1,
			"name":                 hostileText(fmt.Sprintf("process-name-%d", i), hostileMedium),
			"cmdline":              hostileText(fmt.Sprintf("process-cmdline-%d", i), hostileLong),
			"state":                hostileText("process-state", hostileShort),
			"container":            hostileText("process-container", hostileShort),
		})
	}
	text, _ := json.Marshal(list)
	return string(text)
}

func hostileMountpoints() string {
	text, _ := json.Marshal(map[string]int64{
		"free_b./": 79645835264, "total_b./": 270553174016,
		"free_b." + hostileText("mountpoint", hostileLong):  1,
		"total_b." + hostileText("mountpoint", hostileLong): 2,
	})
	return string(text)
}

// hostileAnswer is like answer, for what brings text into the API.
func (c *client) hostileAnswer(request *ssh.Request) ([]byte, error) {
	switch request.Type {
	case "check_tunnel_allowed":
		return c.hostileTunnelAllowed(request.Payload)
	case "check_port":
		return json.Marshal(checkPortReply{false, hostileText("check-port", hostileLong)})
	case "run_cmd":
		return c.hostileJob(request.Payload)
	case "refresh_updates_status":
		go c.sendHostileUpdates()
		return []byte("null"), nil
	case "upload":
		return c.hostileUpload(request.Payload)
	case "update_client_metadata":
		return nil, errors.New(hostileText("attributes-error", hostileLong))
	}
	return nil, errors.New(hostileText("unknown-request", hostileLong))
}

// hostileTunnelAllowed refuses port 1, so that there is an error to show.
func (c *client) hostileTunnelAllowed(payload []byte) ([]byte, error) {
	var request tunnelAllowedRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	if _, port, _ := net.SplitHostPort(request.Remote); port == "1" {
		return nil, errors.New(hostileText("tunnel-error", hostileLong))
	}
	return json.Marshal(tunnelAllowedReply{true})
}

// hostileUpload refuses files whose destination has "refuse" in it.
func (c *client) hostileUpload(payload []byte) ([]byte, error) {
	file := &uploadedFile{}
	if err := json.Unmarshal(payload, file); err != nil {
		return nil, err
	}
	if strings.Contains(file.DestinationPath, "refuse") {
		return nil, errors.New(hostileText("upload-error", hostileLong))
	}
	return json.Marshal(uploadReply{
		UUID:     file.ID,
		FilePath: hostileText("upload-path", hostileLong),
		Size:     1 << 62,
		Message:  hostileText("upload-message", hostileLong),
		Status:   hostileText("upload-status", hostileShort),
	})
}

// hostileJob runs nothing; a command with "refuse" in it is refused.
func (c *client) hostileJob(payload []byte) ([]byte, error) {
	j := &job{}
	if err := json.Unmarshal(payload, j); err != nil {
		return nil, err
	}
	if strings.Contains(j.Command, "refuse") {
		return nil, errors.New(hostileText("job-refused", hostileLong))
	}
	stdout, stderr := &output{limit: 1 << 20}, &output{limit: 1 << 20}
	if j.StreamResult {
		if err := c.openOutputs(payload, stdout, stderr); err != nil {
			return nil, err
		}
	}
	pid := -1
	j.PID, j.StartedAt = &pid, time.Now().UTC()
	go c.finishHostileJob(j, stdout, stderr)
	return json.Marshal(runReply{pid, j.StartedAt})
}

func (c *client) finishHostileJob(j *job, stdout, stderr *output) {
	for i := 0; i < 10; i++ {
		fmt.Fprintf(stdout, "line %d %s\r\n", i, hostileText("stdout", hostileLong))
		fmt.Fprintf(stderr, "line %d %s\xff\xfe\x00\x80\r\n", i, hostileText("stderr", hostileMedium))
		time.Sleep(20 * time.Millisecond)
	}
	now := time.Now().UTC()
	j.Status, j.FinishedAt = "failed", &now
	j.Error = hostileText("job-error", hostileLong)
	j.ClientName = hostileText("job-client-name", hostileShort)
	j.Result = &jobResult{Summary: hostileText("job-summary", hostileMedium)}
	j.Result.Stdout, _ = stdout.take()
	j.Result.Stderr, _ = stderr.take()
	c.notify("cmd_result", j)
	closeOutputs(stdout, stderr)
}
