// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// output collects one stream of a command up to a limit and passes what it
// keeps on to the live channel, if there is one.
type output struct {
	mu       sync.Mutex
	kept     bytes.Buffer
	limit    int
	overflow bool
	live     ssh.Channel
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	part := p
	if room := o.limit - o.kept.Len(); len(part) > room {
		part = part[:room]
		o.overflow = true
	}
	o.kept.Write(part)
	if o.live != nil && len(part) > 0 {
		_, _ = o.live.Write(part)
	}
	return len(p), nil
}

func (o *output) take() (string, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.kept.String(), o.overflow
}

// runJob is run_cmd: it answers when the process runs, finishJob sends the
// result later (spec 6).
func (c *client) runJob(payload []byte) ([]byte, error) {
	if !c.opts.commands {
		return nil, errors.New("remote commands execution is disabled")
	}
	j := &job{}
	if err := json.Unmarshal(payload, j); err != nil {
		return nil, errors.New("failed to decode requested job: " + err.Error())
	}
	if j.IsScript && !c.opts.scripts {
		return nil, errors.New("remote scripts are disabled")
	}
	if !j.IsScript && !c.commandAllowed(j.Command) {
		return nil, errors.New("command is not allowed: " + j.Command)
	}
	script, err := c.writeScript(j.Command)
	if err != nil {
		return nil, err
	}
	stdout := &output{limit: c.opts.sendBackLimit}
	stderr := &output{limit: c.opts.sendBackLimit}
	if j.StreamResult {
		if err := c.openOutputs(payload, stdout, stderr); err != nil {
			return nil, err
		}
	}
	process := buildCommand(j, script)
	process.Stdout, process.Stderr = stdout, stderr
	if err := process.Start(); err != nil {
		os.Remove(script)
		closeOutputs(stdout, stderr)
		return nil, errors.New("failed to start a command: " + err.Error())
	}
	j.PID = &process.Process.Pid
	j.StartedAt = time.Now().UTC()
	go c.finishJob(j, process, script)
	return json.Marshal(runReply{*j.PID, j.StartedAt})
}

// commandAllowed is order allow, deny; without --allow all is allowed.
func (c *client) commandAllowed(text string) bool {
	return (len(c.opts.allow) == 0 || anyMatch(c.opts.allow, text)) &&
		!anyMatch(c.opts.deny, text)
}

func anyMatch(expressions []string, text string) bool {
	for _, expression := range expressions {
		if ok, err := regexp.MatchString(expression, text); ok && err == nil {
			return true
		}
	}
	return false
}

func (c *client) writeScript(text string) (string, error) {
	dir := filepath.Join(c.opts.dataDir, "scripts")
	if err := os.MkdirAll(dir, 0700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, newUUID())
	return path, os.WriteFile(path, []byte(text), 0540)
}

func buildCommand(j *job, script string) *exec.Cmd {
	argv := []string{script}
	if !strings.HasPrefix(j.Command, "#!") {
		interpreter := j.Interpreter
		if interpreter == "" {
			interpreter = "/bin/sh"
		}
		argv = []string{interpreter, script}
	}
	if j.IsSudo {
		argv = append([]string{"sudo", "-n"}, argv...)
	}
	process := exec.Command(argv[0], argv[1:]...)
	process.Dir = j.Cwd
	return process
}

func (c *client) openOutputs(payload []byte, stdout, stderr *output) error {
	for name, stream := range map[string]*output{"stdout": stdout, "stderr": stderr} {
		channel, requests, err := c.conn.OpenChannel(name, payload)
		if err != nil {
			closeOutputs(stdout, stderr)
			return fmt.Errorf("failed to open %s channel: %v", name, err)
		}
		go ssh.DiscardRequests(requests)
		// What the server may write to it is of no use.
		go func() { _, _ = io.Copy(io.Discard, channel) }()
		stream.live = channel
	}
	return nil
}

func closeOutputs(streams ...*output) {
	for _, stream := range streams {
		if stream.live != nil {
			stream.live.Close()
		}
	}
}

// finishJob waits for the end or the time-out. After a time-out the process
// goes on, only its observation ends.
func (c *client) finishJob(j *job, process *exec.Cmd, script string) {
	done := make(chan error, 1)
	go func() { done <- process.Wait() }()

	j.Status = "successful"
	select {
	case err := <-done:
		if err != nil {
			j.Status = "failed"
			j.Error = err.Error()
		}
	case <-time.After(time.Duration(j.TimeoutSec) * time.Second):
		j.Status = "unknown"
	}
	os.Remove(script)

	stdout, stderr := process.Stdout.(*output), process.Stderr.(*output)
	j.Result = &jobResult{}
	var lost []string
	for _, stream := range []struct {
		from *output
		text *string
		name string
	}{{stdout, &j.Result.Stdout, "stdOut"}, {stderr, &j.Result.Stderr, "stdErr"}} {
		text, overflow := stream.from.take()
		*stream.text = text
		if overflow {
			lost = append(lost, fmt.Sprintf("overflow of %s buffer: maximum send_back_limit "+
				"of %d bytes exceeded", stream.name, stream.from.limit))
		}
	}
	j.Error = joinErrors(j.Error, lost)
	j.Result.Summary = summaryOf(j.Result.Stdout)
	now := time.Now().UTC()
	j.FinishedAt = &now
	c.notify("cmd_result", j)
	closeOutputs(stdout, stderr)
}

func joinErrors(first string, more []string) string {
	if first != "" {
		more = append([]string{first}, more...)
	}
	return strings.Join(more, ", ")
}

var summaryTag = regexp.MustCompile(`(?is)<summary>(.*?)</summary>`)

func summaryOf(stdout string) string {
	var summary strings.Builder
	for _, match := range summaryTag.FindAllStringSubmatch(stdout, -1) {
		summary.WriteString(match[1])
	}
	return summary.String()
}
