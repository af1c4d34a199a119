// SPDX-License-Identifier: MIT

package main

import (
	"encoding/binary"
	"io"
	"os"
	"strconv"

	"golang.org/x/crypto/ssh"
)

const (
	sftpStatusOK          = 0
	sftpStatusFailure     = 4
	sftpStatusUnsupported = 8
)

// sftpServer is the read-only SFTP that an installed server has for uploads,
// reduced to the requests of a download (spec 4.7).
type sftpServer struct {
	sftp
	files map[string]*os.File
}

// serveSFTP runs until the client closes the channel.
func serveSFTP(channel io.ReadWriter) error {
	s := &sftpServer{sftp: sftp{stream: channel}, files: map[string]*os.File{}}
	defer func() {
		for _, file := range s.files {
			file.Close()
		}
	}()
	for {
		kind, body, err := s.read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = s.answer(kind, body)
		}
		if err != nil {
			return err
		}
	}
}

func (s *sftpServer) answer(kind byte, body []byte) error {
	if kind == sftpInit {
		return s.write(sftpVersion, sftpUint32(3))
	}
	if len(body) < 8 {
		return io.ErrUnexpectedEOF
	}
	id := body[:4]
	name, err := stringOf(body[4:])
	if err != nil {
		return err
	}
	rest := body[8+len(name):]
	switch {
	case kind == sftpOpen && len(rest) >= 4 && binary.BigEndian.Uint32(rest) == 1:
		return s.open(id, name)
	case kind == sftpRead && len(rest) == 12:
		return s.readBlock(id, s.files[name], rest)
	case kind == sftpClose && s.files[name] != nil:
		s.files[name].Close()
		delete(s.files, name)
		return s.status(id, sftpStatusOK)
	}
	return s.status(id, sftpStatusUnsupported)
}

func (s *sftpServer) status(id []byte, code uint32) error {
	return s.write(sftpStatus, id, sftpUint32(code), sftpString(""), sftpString(""))
}

func (s *sftpServer) open(id []byte, path string) error {
	file, err := os.Open(path)
	emit("sftp-open", "path", path, "error", errorText(err))
	if err != nil {
		return s.status(id, sftpStatusFailure)
	}
	handle := strconv.Itoa(int(file.Fd()))
	s.files[handle] = file
	return s.write(sftpHandle, id, sftpString(handle))
}

func (s *sftpServer) readBlock(id []byte, file *os.File, where []byte) error {
	length := binary.BigEndian.Uint32(where[8:])
	if file == nil || length > sftpMaxPacket/2 {
		return s.status(id, sftpStatusFailure)
	}
	block := make([]byte, length)
	n, err := file.ReadAt(block, int64(binary.BigEndian.Uint64(where)))
	switch {
	case n > 0:
		return s.write(sftpData, id, sftpString(string(block[:n])))
	case err == io.EOF:
		return s.status(id, sftpStatusEOF)
	}
	return s.status(id, sftpStatusFailure)
}

// answerSubsystem accepts the subsystem sftp and refuses all else.
func answerSubsystem(requests <-chan *ssh.Request) {
	for request := range requests {
		ok := request.Type == "subsystem" && len(request.Payload) > 4 &&
			string(request.Payload[4:]) == "sftp"
		if request.WantReply {
			_ = request.Reply(ok, nil)
		}
	}
}
