// SPDX-License-Identifier: MIT

package main

import (
	"encoding/hex"
	"errors"
	"reflect"
	"unsafe"

	"golang.org/x/crypto/ssh"
)

// writePacket is the library's own, which it does not export: packets that it
// would never send. (raw.s lets the compiler take a function without a body.)
//
//go:linkname writePacket golang.org/x/crypto/ssh.(*handshakeTransport).writePacket
func writePacket(transport unsafe.Pointer, packet []byte) error

// sendRaw sends a whole packet, message number first.
func sendRaw(conn ssh.Conn, packet []byte) error {
	server, ok := conn.(*ssh.ServerConn)
	if !ok || len(packet) == 0 {
		return errors.New("raw: no connection of a client, or no packet")
	}
	field := reflect.ValueOf(server.Conn).Elem().FieldByName("transport")
	if !field.IsValid() {
		return errors.New("raw: the library has another structure")
	}
	return writePacket(field.UnsafePointer(), packet)
}

func (l *link) raw(cmd *command) {
	packet, err := hex.DecodeString(cmd.Data)
	if err == nil {
		err = sendRaw(l.conn, packet)
	}
	emit("raw", "conn", l.id, "tag", cmd.Tag, "error", errorText(err))
}
