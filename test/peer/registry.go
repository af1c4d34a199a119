// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// record is what the server remembers of a client id between connections.
type record struct {
	id, name, session string
	current           *session
	tunnels           []*remote
}

var versionPattern = regexp.MustCompile(`^v?\d+(\.\d+)*(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// accept is spec 3.5 without the check of shared auth ids. It returns the
// remotes for the success reply.
func (s *session) accept(request *connectionRequest) ([]*remote, error) {
	id := request.ID
	if id == "" {
		id = newUUID()
	}
	rec, old, err := s.server.claim(id, request)
	if err != nil {
		return nil, err
	}
	if len(old) > 0 {
		old, err = s.filterTunnels(old)
		if err != nil {
			return nil, errors.New("failed to filter tunnels: " + err.Error())
		}
	}
	s.server.mu.Lock()
	rec.name, rec.session, rec.current = request.Name, request.SessionID, s
	rec.tunnels = nil
	s.record = rec
	s.server.mu.Unlock()

	remotes := append(request.Remotes, old...)
	for _, r := range remotes {
		if err := s.startTunnel(r); err != nil {
			return nil, err
		}
	}
	return remotes, nil
}

// claim looks the client id up and gives the tunnels to re-establish.
func (s *server) claim(id string, request *connectionRequest) (*record, []*remote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := s.clients[id]
	if rec == nil {
		rec = &record{id: id}
		s.clients[id] = rec
		return rec, nil, nil
	}
	resumed := request.SessionID != "" && request.SessionID == rec.session
	if rec.current != nil && !resumed {
		return nil, nil, fmt.Errorf("client is already connected: %s [%s]", rec.name, id)
	}
	old := tunnelsToRestore(rec.tunnels, request.Remotes)
	if !versionPattern.MatchString(request.Version) {
		return nil, nil, errors.New("failed to determine client version: Malformed version: " +
			request.Version)
	}
	return rec, old, nil
}

// filterTunnels asks the client, which waits for its own answer meanwhile.
func (s *session) filterTunnels(old []*remote) ([]*remote, error) {
	var allowed []*remote
	for _, r := range old {
		question, _ := json.Marshal(tunnelAllowedRequest{r.target()})
		ok, data, err := s.link.send("filter", "check_tunnel_allowed", true, question)
		if err != nil {
			return nil, err
		}
		answer := tunnelAllowedReply{}
		switch {
		case !ok && strings.Contains(string(data), "unknown request"):
			answer.IsAllowed = true
		case !ok:
			return nil, errors.New(string(data))
		default:
			if err := json.Unmarshal(data, &answer); err != nil {
				return nil, err
			}
		}
		if answer.IsAllowed {
			allowed = append(allowed, r)
		}
	}
	return allowed, nil
}

// tunnelsToRestore is spec 5.8; each old tunnel matches one new remote.
func tunnelsToRestore(old, wanted []*remote) []*remote {
	if len(wanted) > len(old) {
		return nil
	}
	left := append([]*remote(nil), old...)
	for _, fixed := range []bool{true, false} {
		for _, w := range wanted {
			if w.localGiven() != fixed {
				continue
			}
			i := findTunnel(left, w)
			if i < 0 {
				return nil
			}
			left = append(left[:i], left[i+1:]...)
		}
	}
	var restored []*remote
	for _, r := range left {
		again := *r
		if again.LPortRandom {
			again.LHost, again.LPort = "", ""
		}
		restored = append(restored, &again)
	}
	return restored
}

func findTunnel(tunnels []*remote, wanted *remote) int {
	for i, r := range tunnels {
		same := r.target() == wanted.target() && r.Protocol == wanted.Protocol &&
			r.acl() == wanted.acl()
		if wanted.localGiven() {
			same = same && r.LHost == wanted.LHost && r.LPort == wanted.LPort
		} else {
			same = same && r.LPortRandom
		}
		if same {
			return i
		}
	}
	return -1
}

// localGiven: only both together count (spec 5.4).
func (r *remote) localGiven() bool { return r.LHost != "" && r.LPort != "" }
