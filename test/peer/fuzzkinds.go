// SPDX-License-Identifier: MIT

package main

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"time"
)

// fuzzKinds are the attacks by name. Write errors are of no interest: the
// reader sees how the connection ends.
var fuzzKinds = map[string]func(f *fuzzer){
	"random":         func(f *fuzzer) { f.write(f.bytes(1 + f.random.Intn(20000))) },
	"half-head":      fuzzHalfHead,
	"huge-header":    fuzzHugeHeader,
	"bad-request":    fuzzBadRequest,
	"early-frame":    fuzzEarlyFrame,
	"upgrade-random": fuzzUpgradeRandom,
	"bad-frame":      fuzzBadFrame,
	"half-version":   fuzzHalfVersion,
	"long-version":   fuzzLongVersion,
	"half-kexinit":   fuzzHalfKexinit,
	"bad-kexinit":    fuzzBadKexinit,
	"huge-packet":    fuzzHugePacket,
	"trickle":        fuzzTrickle,
	"silence":        func(*fuzzer) {},
	"upgrade-only":   func(f *fuzzer) { f.upgrade() },
}

func fuzzKindNames() []string {
	var names []string
	for name := range fuzzKinds {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

const fuzzUpgrade = "GET / HTTP/1.1\r\nHost: peer\r\nUser-Agent: rport 1.0.2\r\n" +
	"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
	"Sec-WebSocket-Protocol: rport-v1\r\nSec-WebSocket-Version: 13\r\n" +
	"Upgrade: websocket\r\n\r\n"

func (f *fuzzer) write(p []byte) { _, _ = f.conn.Write(p) }

func (f *fuzzer) bytes(n int) []byte {
	p := make([]byte, n)
	f.random.Read(p)
	return p
}

// upgrade sends a valid request and gives the server time for the 101; the
// reader swallows the answer.
func (f *fuzzer) upgrade() {
	f.write([]byte(fuzzUpgrade))
	time.Sleep(200 * time.Millisecond)
}

// frame sends one masked WebSocket frame.
func (f *fuzzer) frame(first byte, payload []byte) {
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 65536:
		head = append(head, 0x80|126, byte(n>>8), byte(n))
	default:
		head = append(head, 0x80|127)
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	}
	mask := f.bytes(4)
	head = append(head, mask...)
	for i, b := range payload {
		head = append(head, b^mask[i%4])
	}
	f.write(head)
}

func fuzzHalfHead(f *fuzzer) {
	f.write([]byte(fuzzUpgrade[:1+f.random.Intn(len(fuzzUpgrade)-4)]))
}

func fuzzHugeHeader(f *fuzzer) {
	f.write([]byte("GET / HTTP/1.1\r\nHost: peer\r\n"))
	if f.random.Intn(2) == 0 {
		f.write([]byte("X-Long: " + strings.Repeat("a", 2<<20)))
		return
	}
	for i := 0; i < 20000; i++ {
		if _, err := fmt.Fprintf(f.conn, "X-Many-%d: %032d\r\n", i, i); err != nil {
			return
		}
	}
}

func fuzzBadRequest(f *fuzzer) {
	requests := []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\x00\xff: y\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		strings.Replace(fuzzUpgrade, "rport-v1", "rport-v2", 1),
		strings.Replace(fuzzUpgrade, "GET", "POST", 1),
		strings.Replace(fuzzUpgrade, "Version: 13", "Version: 8", 1),
		strings.Replace(fuzzUpgrade, "AAAA==", "", 1),
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"SSH-2.0-OpenSSH_9.2\r\n",
	}
	f.write([]byte(requests[f.random.Intn(len(requests))]))
}

// fuzzEarlyFrame does not wait for the 101.
func fuzzEarlyFrame(f *fuzzer) {
	f.write([]byte(fuzzUpgrade + "\x82\x85abcd"))
	f.write(f.bytes(5))
}

func fuzzUpgradeRandom(f *fuzzer) {
	f.upgrade()
	f.write(f.bytes(1 + f.random.Intn(20000)))
}

func fuzzBadFrame(f *fuzzer) {
	f.upgrade()
	switch f.random.Intn(8) {
	case 0: // reserved bits
		f.frame(0xf2, []byte("x"))
	case 1: // unknown opcode
		f.frame(0x83, []byte("x"))
	case 2: // not masked
		f.write([]byte("\x82\x05hello"))
	case 3: // 2^63-1 bytes announced
		f.write([]byte("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"))
	case 4: // length with the top bit set
		f.write([]byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	case 5: // continuation of nothing
		f.frame(0x80, []byte("x"))
	case 6: // control frame that is fragmented and too long
		f.frame(0x09, f.bytes(200))
	default: // new message within a fragmented one
		f.frame(0x02, []byte("a"))
		f.frame(0x82, []byte("b"))
	}
}

func fuzzHalfVersion(f *fuzzer) {
	f.upgrade()
	line := clientVersion + "\r\n"
	f.frame(0x82, []byte(line[:1+f.random.Intn(len(line)-2)]))
}

// fuzzLongVersion never ends the line, or sends many lines before it.
func fuzzLongVersion(f *fuzzer) {
	f.upgrade()
	if f.random.Intn(2) == 0 {
		f.frame(0x82, []byte("SSH-"+strings.Repeat("x", 1<<20)))
		return
	}
	for i := 0; i < 2000; i++ {
		f.frame(0x82, []byte("not a version line\r\n"))
	}
}

// sshPacket frames a payload for the time before the first NEWKEYS.
func (f *fuzzer) sshPacket(payload []byte) []byte {
	padding := 8 - (5+len(payload))%8
	if padding < 4 {
		padding += 8
	}
	packet := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	packet = append(packet, byte(padding))
	packet = append(packet, payload...)
	return append(packet, f.bytes(padding)...)
}

func (f *fuzzer) kexinit() []byte {
	payload := append([]byte{20}, f.bytes(16)...)
	for _, list := range []string{
		"curve25519-sha256", "ecdsa-sha2-nistp256", "aes128-gcm@openssh.com",
		"aes128-gcm@openssh.com", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
	} {
		payload = append(payload, sftpString(list)...)
	}
	return append(payload, 0, 0, 0, 0, 0)
}

func (f *fuzzer) version() { f.frame(0x82, []byte(clientVersion+"\r\n")) }

func fuzzHalfKexinit(f *fuzzer) {
	f.upgrade()
	f.version()
	packet := f.sshPacket(f.kexinit())
	f.frame(0x82, packet[:1+f.random.Intn(len(packet)-1)])
}

// fuzzBadKexinit damages some bytes, then goes on with random packets.
func fuzzBadKexinit(f *fuzzer) {
	f.upgrade()
	f.version()
	payload := f.kexinit()
	for i := f.random.Intn(4); i > 0; i-- {
		payload[17+f.random.Intn(len(payload)-17)] = byte(f.random.Intn(256))
	}
	f.frame(0x82, f.sshPacket(payload))
	for i := 0; i < 3; i++ {
		kind := []byte{30, 20, 21, 5, 50, 80, 90, 94, 1, 2, 4}[f.random.Intn(11)]
		f.frame(0x82, f.sshPacket(append([]byte{kind}, f.bytes(f.random.Intn(200))...)))
	}
}

func fuzzHugePacket(f *fuzzer) {
	f.upgrade()
	f.version()
	lengths := []uint32{0, 1, 262145, 0x7fffffff, 0xffffffff}
	head := binary.BigEndian.AppendUint32(nil, lengths[f.random.Intn(len(lengths))])
	f.frame(0x82, append(head, f.bytes(1000)...))
}

// fuzzTrickle sends a good request so slowly that it never ends.
func fuzzTrickle(f *fuzzer) {
	for i := range fuzzUpgrade[:len(fuzzUpgrade)-4] {
		if _, err := f.conn.Write([]byte{fuzzUpgrade[i]}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}
