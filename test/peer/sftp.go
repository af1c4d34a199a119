// SPDX-License-Identifier: MIT

package main

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The part of SFTP version 3 that a download needs.
const (
	sftpInit    = 1
	sftpVersion = 2
	sftpOpen    = 3
	sftpClose   = 4
	sftpRead    = 5
	sftpStatus  = 101
	sftpHandle  = 102
	sftpData    = 103

	sftpStatusEOF = 1
	sftpReadSize  = 32768
	sftpMaxPacket = 256 * 1024
)

type sftp struct {
	stream io.ReadWriter
	nextID uint32
}

func newSFTP(stream io.ReadWriter) *sftp { return &sftp{stream: stream} }

func sftpString(text string) []byte {
	return append(sftpUint32(uint32(len(text))), text...)
}

func sftpUint32(n uint32) []byte {
	return binary.BigEndian.AppendUint32(nil, n)
}

// write sends the length and the body apart, as the installed client does.
func (s *sftp) write(kind byte, parts ...[]byte) error {
	body := []byte{kind}
	for _, part := range parts {
		body = append(body, part...)
	}
	if _, err := s.stream.Write(sftpUint32(uint32(len(body)))); err != nil {
		return err
	}
	_, err := s.stream.Write(body)
	return err
}

func (s *sftp) read() (byte, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(s.stream, head[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(head[:4])
	if length < 1 || length > sftpMaxPacket {
		return 0, nil, fmt.Errorf("sftp packet of %d bytes", length)
	}
	body := make([]byte, length-1)
	_, err := io.ReadFull(s.stream, body)
	return head[4], body, err
}

// call sends a request and returns the answer without its request id.
func (s *sftp) call(kind byte, parts ...[]byte) (byte, []byte, error) {
	s.nextID++
	id := s.nextID
	if err := s.write(kind, append([][]byte{sftpUint32(id)}, parts...)...); err != nil {
		return 0, nil, err
	}
	got, body, err := s.read()
	if err != nil {
		return 0, nil, err
	}
	if len(body) < 8 || binary.BigEndian.Uint32(body) != id {
		return 0, nil, fmt.Errorf("sftp answer %d is malformed", got)
	}
	return got, body[4:], nil
}

// stringOf cuts the string at the beginning of a handle or data answer.
func stringOf(body []byte) (string, error) {
	length := binary.BigEndian.Uint32(body)
	if uint64(length) > uint64(len(body)-4) {
		return "", fmt.Errorf("sftp string of %d bytes in %d", length, len(body)-4)
	}
	return string(body[4 : 4+length]), nil
}

func (s *sftp) readFile(path string) ([]byte, error) {
	if err := s.write(sftpInit, sftpUint32(3)); err != nil {
		return nil, err
	}
	kind, _, err := s.read()
	if err != nil || kind != sftpVersion {
		return nil, fmt.Errorf("sftp: no version: kind %d, error %v", kind, err)
	}
	kind, body, err := s.call(sftpOpen, sftpString(path), sftpUint32(1), sftpUint32(0))
	if err != nil {
		return nil, err
	}
	if kind != sftpHandle {
		return nil, fmt.Errorf("sftp: open refused: kind %d, code %d", kind,
			binary.BigEndian.Uint32(body))
	}
	handle, err := stringOf(body)
	if err != nil {
		return nil, err
	}
	data, err := s.readAll(handle)
	if err != nil {
		return nil, err
	}
	_, _, err = s.call(sftpClose, sftpString(handle))
	return data, err
}

// readAll asks for one block at a time until the server says end of file.
func (s *sftp) readAll(handle string) ([]byte, error) {
	var data []byte
	for {
		offset := binary.BigEndian.AppendUint64(nil, uint64(len(data)))
		kind, body, err := s.call(sftpRead, sftpString(handle), offset,
			sftpUint32(sftpReadSize))
		if err != nil {
			return nil, err
		}
		if kind == sftpStatus && binary.BigEndian.Uint32(body) == sftpStatusEOF {
			return data, nil
		}
		if kind != sftpData {
			return nil, fmt.Errorf("sftp: read failed: kind %d, code %d", kind,
				binary.BigEndian.Uint32(body))
		}
		block, err := stringOf(body)
		if err != nil {
			return nil, err
		}
		data = append(data, block...)
	}
}
