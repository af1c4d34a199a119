// SPDX-License-Identifier: MIT

package main

import (
	"crypto/md5"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// session is one authenticated connection at the server.
type session struct {
	server *server
	link   *link
	user   string

	mu      sync.Mutex
	ended   bool
	record  *record
	tunnels map[int]*tunnel
}

// serveRequests reads the client's requests (spec 4.3). The first one has to
// be new_connection; anything else stays unanswered, as does every later
// request but ping.
func (s *session) serveRequests(requests <-chan *ssh.Request) {
	first, deaf := true, false
	for request := range requests {
		emit("request", "conn", s.link.id, "name", request.Type, "want", request.WantReply,
			"size", len(request.Payload), "payload", printable(request.Payload))
		tooLarge := len(request.Payload) > maxRequestBytes
		isNew := request.Type == newConnectionName
		switch {
		case first && (tooLarge || !isNew):
			deaf = true
			fallthrough
		case tooLarge, deaf:
			emit("ignored", "conn", s.link.id, "name", request.Type)
		case first:
			// Not waited for: pings have to be answered meanwhile.
			go s.register(request)
		case isNew:
			s.reply(request, false, []byte("unexpected connection request. please reconnect"))
		case request.Type == "ping":
			s.reply(request, true, nil)
		}
		first = false
	}
}

func (s *session) reply(request *ssh.Request, ok bool, data []byte) {
	err := request.Reply(ok, data)
	emit("answer", "conn", s.link.id, "name", request.Type, "ok", ok, "data",
		printable(data), "error", errorText(err))
}

// register handles new_connection.
func (s *session) register(request *ssh.Request) {
	payload := &connectionRequest{}
	if err := json.Unmarshal(request.Payload, payload); err != nil {
		emit("ignored", "conn", s.link.id, "name", request.Type, "reason", err)
		return
	}
	if s.server.opts.noReply {
		return
	}
	if text := s.server.opts.failNewConnection; text != "" {
		s.reply(request, false, []byte(text))
		return
	}
	remotes, err := s.accept(payload)
	if err != nil {
		s.reply(request, false, []byte(err.Error()))
		s.end()
		return
	}
	data, err := json.Marshal(remotes)
	if err != nil {
		emit("error", "error", err)
		return
	}
	if s.server.opts.rawReply != "" {
		data = []byte(s.server.opts.rawReply)
	}
	s.reply(request, true, data)
	caps, _ := json.Marshal(capabilities{"0.9.12", s.server.opts.monitoring, 1})
	_, _, _ = s.link.send("", "put_capabilities", false, caps)
	emit("registered", "conn", s.link.id, "id", s.record.id, "name", payload.Name,
		"session", payload.SessionID, "version", payload.Version, "remotes", remotes)
	if s.server.opts.pingEvery > 0 {
		go s.pingLoop()
	}
}

// pingLoop is spec 7.2: whatever is not clearly alive is disconnected.
func (s *session) pingLoop() {
	for {
		time.Sleep(s.server.opts.pingEvery)
		dead := time.AfterFunc(replyTimeout, s.link.ws.hangUp)
		ok, data, err := s.link.send("status-check", "ping", true, nil)
		dead.Stop()
		if err != nil {
			return
		}
		text := string(data)
		if ok && (text == "" || text == "null") || !ok && text == "unknown request" {
			continue
		}
		emit("error", "conn", s.link.id, "error", "bad ping reply")
		s.link.ws.hangUp()
		return
	}
}

// serveChannels accepts every channel before it looks at the type.
func (s *session) serveChannels(channels <-chan ssh.NewChannel) {
	for newChannel := range channels {
		kind := newChannel.ChannelType()
		emit("channel", "conn", s.link.id, "type", kind, "extra",
			printable(newChannel.ExtraData()))
		channel, requests, err := newChannel.Accept()
		if err != nil {
			return
		}
		go answerSubsystem(requests)
		switch kind {
		case "session":
			// No further channel is accepted meanwhile, as in the original.
			err := serveSFTP(channel)
			channel.Close()
			emit("sftp-closed", "conn", s.link.id, "error", errorText(err))
		case "stdout", "stderr":
			go s.printOutput(kind, channel, newChannel.ExtraData())
		default:
			channel.Close()
		}
	}
}

func (s *session) printOutput(kind string, channel ssh.Channel, extra []byte) {
	j := &job{}
	if err := json.Unmarshal(extra, j); err != nil {
		emit("error", "conn", s.link.id, "error", kind+": "+err.Error())
	}
	printStream(channel, func(text string) {
		emit("stream", "conn", s.link.id, "type", kind, "jid", j.JID, "data", text)
	})
	channel.Close()
	emit("stream-closed", "conn", s.link.id, "type", kind, "jid", j.JID)
}

func (s *session) runCommand(cmd *command) bool {
	switch cmd.Cmd {
	case "tunnel":
		go s.commandTunnel(cmd)
	case "untunnel":
		s.stopTunnel(cmd.Port)
	case "run":
		payload, err := fillJob(cmd.Job)
		s.ask(cmd.Tag, "run_cmd", payload, err)
	case "upload":
		payload, err := describeUpload(cmd)
		s.ask(cmd.Tag, "upload", payload, err)
	default:
		return false
	}
	return true
}

// ask queues a request that wants a reply, unless err says it can't be built.
func (s *session) ask(tag, name string, payload []byte, err error) {
	if err != nil {
		emit("error", "conn", s.link.id, "tag", tag, "error", err)
		return
	}
	s.link.queue <- func() { _, _, _ = s.link.send(tag, name, true, payload) }
}

func describeUpload(cmd *command) ([]byte, error) {
	data, err := os.ReadFile(cmd.Source)
	if err != nil {
		return nil, err
	}
	sum := md5.Sum(data)
	return json.Marshal(uploadedFile{ID: newUUID(), SourceFilePath: cmd.Source,
		DestinationPath: cmd.Dest, DestinationFileMode: cmd.Mode, ForceWrite: cmd.Force,
		Sync: cmd.Sync, Md5Checksum: sum[:]})
}

// fillJob completes a job from a command line with what a server always sets.
func fillJob(text json.RawMessage) ([]byte, error) {
	j := &job{JID: newUUID(), ClientID: "cid", ClientName: "cname", CreatedBy: "admin",
		TimeoutSec: 60}
	if text == nil {
		return nil, errors.New("run: job is missing")
	}
	if err := json.Unmarshal(text, j); err != nil {
		return nil, err
	}
	return json.Marshal(j)
}
