// SPDX-License-Identifier: MIT

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	subprotocol   = "rport-v1"
	clientVersion = "SSH-rport-v1-client"
	serverVersion = "SSH-rport-v1-server"

	newConnectionName = "new_connection"
	// maxRequestBytes is the default of max_request_bytes_client (spec 1.1).
	maxRequestBytes = 524288
	replyTimeout    = 30 * time.Second
)

// connectionRequest is the payload of new_connection (spec 3.2).
type connectionRequest struct {
	ID                     string
	Name                   string
	SessionID              string
	OS                     string
	OSFullName             string
	OSVersion              string
	OSVirtualizationSystem string
	OSVirtualizationRole   string
	OSArch                 string
	OSFamily               string
	OSKernel               string
	Version                string
	Hostname               string
	CPUFamily              string
	CPUModel               string
	CPUModelName           string
	CPUVendor              string
	NumCPUs                int
	MemoryTotal            uint64
	Timezone               string
	IPv4                   []string
	IPv6                   []string
	Tags                   []string
	Labels                 map[string]string
	Remotes                []*remote
	ClientConfiguration    *clientConfiguration
}

// remote is one tunnel (spec 5.2).
type remote struct {
	Name         string  `json:"name"`
	Protocol     string  `json:"protocol"`
	LHost        string  `json:"lhost"`
	LPort        string  `json:"lport"`
	LPortRandom  bool    `json:"lport_random"`
	Owner        string  `json:"owner"`
	RHost        string  `json:"rhost"`
	RPort        string  `json:"rport"`
	Scheme       *string `json:"scheme"`
	ACL          *string `json:"acl"`
	IdleTimeout  int     `json:"idle_timeout_minutes"`
	AutoClose    int64   `json:"auto_close"`
	HTTPProxy    bool    `json:"http_proxy"`
	HostHeader   string  `json:"host_header"`
	AuthUser     string  `json:"auth_user"`
	AuthPassword string  `json:"auth_password"`
	TunnelURL    string  `json:"tunnel_url"`
}

func (r *remote) target() string { return net.JoinHostPort(r.RHost, r.RPort) }

func (r *remote) acl() string {
	if r.ACL == nil {
		return ""
	}
	return *r.ACL
}

// parseRemote reads the text syntax of spec 5.3, or a JSON object for the
// fields that have no place in it.
func parseRemote(text string) (*remote, error) {
	if strings.HasPrefix(text, "{") {
		r := &remote{Protocol: "tcp"}
		return r, json.Unmarshal([]byte(text), r)
	}
	r := &remote{Protocol: "tcp"}
	for _, protocol := range []string{"tcp+udp", "tcp", "udp"} {
		if strings.HasSuffix(text, "/"+protocol) {
			r.Protocol = protocol
			text = strings.TrimSuffix(text, "/"+protocol)
			break
		}
	}
	parts := strings.Split(text, ":")
	if len(parts) > 4 {
		return nil, errors.New("Invalid remote")
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if err := r.takePart(parts[i]); err != nil {
			return nil, err
		}
	}
	if r.LPort != "" && r.LHost == "" {
		r.LHost = "0.0.0.0"
	}
	if r.RHost == "" {
		r.RHost = "127.0.0.1"
	}
	return r, nil
}

// takePart assigns one part of the text, called from the last to the first.
func (r *remote) takePart(part string) error {
	switch {
	case part != "" && strings.Trim(part, "0123456789") == "":
		if r.RPort == "" {
			r.RPort = part
		} else {
			r.LPort = part
		}
	case r.RPort == "":
		return errors.New("Missing ports")
	case r.RHost == "":
		r.RHost = part
	default:
		r.LHost = part
	}
	return nil
}

// job is run_cmd, cmd_result and the extra data of output channels (4.5).
type job struct {
	JID          string     `json:"jid"`
	Status       string     `json:"status"`
	FinishedAt   *time.Time `json:"finished_at"`
	ClientID     string     `json:"client_id"`
	ClientName   string     `json:"client_name"`
	Command      string     `json:"command"`
	Cwd          string     `json:"cwd"`
	Interpreter  string     `json:"interpreter"`
	PID          *int       `json:"pid"`
	StartedAt    time.Time  `json:"started_at"`
	CreatedBy    string     `json:"created_by"`
	TimeoutSec   int        `json:"timeout_sec"`
	MultiJobID   *string    `json:"multi_job_id"`
	ScheduleID   *string    `json:"schedule_id"`
	Error        string     `json:"error"`
	Result       *jobResult `json:"result"`
	IsSudo       bool       `json:"is_sudo"`
	IsScript     bool       `json:"is_script"`
	StreamResult bool       `json:"stream_result"`
}

type jobResult struct {
	Stdout  string `json:"stdout"`
	Stderr  string `json:"stderr"`
	Summary string `json:"summary"`
}

type runReply struct {
	Pid       int
	StartedAt time.Time
}

type capabilities struct {
	ServerVersion      string
	MonitoringVersion  int
	IPAddressesVersion int
}

type tunnelAllowedRequest struct{ Remote string }

type tunnelAllowedReply struct{ IsAllowed bool }

type checkPortRequest struct {
	HostPort string
	Timeout  time.Duration
}

type checkPortReply struct {
	Open   bool
	ErrMsg string
}

func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
