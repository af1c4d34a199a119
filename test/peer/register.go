// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// register sends new_connection and starts what follows its success.
func (c *client) register() {
	defer close(c.decided)
	time.Sleep(c.opts.delay)
	payload, err := c.registration()
	if err != nil {
		emit("error", "error", err)
		c.exit <- exitUsage
		return
	}
	// An installed client ends with a panic when it gets no answer.
	timer := time.AfterFunc(replyTimeout, func() {
		emit("timeout", "name", c.opts.firstRequest)
		c.exit <- exitTimeout
	})
	ok, data, err := c.conn.SendRequest(c.opts.firstRequest, true, payload)
	timer.Stop()
	if err != nil {
		return // watch reports the end of the connection
	}
	if !ok {
		emit("refused", "error", string(data))
		if strings.Contains(string(data), "client is already connected:") {
			c.ws.Close()
		}
		return
	}
	var remotes []*remote
	if err := json.Unmarshal(data, &remotes); err != nil {
		emit("error", "error", "can't decode reply payload: "+err.Error())
		c.ws.Close()
		return
	}
	emit("registered", "remotes", printable(data))
	if c.opts.pingEvery > 0 {
		go c.pingLoop()
	}
	if c.opts.hostile {
		c.sendHostile()
	}
}

func (c *client) registration() ([]byte, error) {
	if c.opts.rawNewConnection != "" {
		return os.ReadFile(c.opts.rawNewConnection)
	}
	if c.opts.hostile {
		return hostileRegistration(c.opts, c.remotes)
	}
	config := defaultConfiguration()
	config.Client.Server = c.opts.server
	config.Client.Fingerprint = c.opts.fingerprint
	config.Client.Auth = c.opts.auth
	config.Client.ID = c.opts.id
	config.Client.Name = c.opts.name
	config.Client.Tags = c.opts.tags
	config.Client.Remotes = c.opts.remotes
	config.Client.TunnelAllowed = c.opts.tunnelAllowed
	config.Client.Tunnels = c.remotes
	config.RemoteCommands.Enabled = c.opts.commands
	config.RemoteCommands.SendBackLimit = c.opts.sendBackLimit
	config.RemoteScripts.Enabled = c.opts.scripts
	config.FileReception.Enabled = c.opts.uploads

	hostname, _ := os.Hostname()
	uname, _ := exec.Command("uname", "-a").Output()
	ipv4, ipv6 := interfaceAddresses()
	return json.Marshal(&connectionRequest{
		ID:                   c.opts.id,
		Name:                 c.opts.name,
		SessionID:            c.opts.session,
		OS:                   strings.TrimSpace(string(uname)),
		OSFullName:           "Debian 12.11",
		OSVersion:            "12.11",
		OSVirtualizationRole: "guest",
		OSArch:               runtime.GOARCH,
		OSFamily:             "debian",
		OSKernel:             runtime.GOOS,
		Version:              c.opts.version,
		Hostname:             hostname,
		CPUFamily:            "unknown",
		CPUModel:             "unknown",
		CPUModelName:         "unknown",
		CPUVendor:            "unknown",
		NumCPUs:              runtime.NumCPU(),
		MemoryTotal:          4 << 30,
		Timezone:             time.Now().Format("MST (UTC-07:00)"),
		IPv4:                 ipv4,
		IPv6:                 ipv6,
		Tags:                 c.opts.tags,
		Remotes:              c.remotes,
		ClientConfiguration:  config,
	})
}

func interfaceAddresses() (ipv4, ipv6 []string) {
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		switch {
		case !ok || network.IP.IsLoopback():
		case network.IP.To4() != nil:
			ipv4 = append(ipv4, network.IP.String())
		default:
			ipv6 = append(ipv6, network.IP.String())
		}
	}
	return ipv4, ipv6
}

// pingLoop is the keep-alive of spec 7.1.
func (c *client) pingLoop() {
	for {
		time.Sleep(c.opts.pingEvery)
		if err := c.ping(); err != nil {
			emit("error", "error", "ping: "+err.Error())
			c.ws.Close()
			return
		}
	}
}

func (c *client) ping() error {
	timer := time.AfterFunc(replyTimeout, func() {
		emit("timeout", "name", "ping")
		c.exit <- exitTimeout
	})
	defer timer.Stop()
	ok, data, err := c.link.send("keep-alive", "ping", true, nil)
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("failure reply: " + string(data))
	}
	return nil
}
