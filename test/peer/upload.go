// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// uploadedFile is the payload of an upload request (spec 4.7).
type uploadedFile struct {
	ID                   string
	SourceFilePath       string
	DestinationPath      string
	DestinationFileMode  os.FileMode
	DestinationFileOwner string
	DestinationFileGroup string
	ForceWrite           bool
	Sync                 bool
	Md5Checksum          []byte
}

type uploadReply struct {
	UUID     string `json:"uuid"`
	FilePath string `json:"filepath"`
	Size     int64  `json:"size"`
	Message  string `json:"message"`
	Status   string `json:"status"`
}

// upload downloads the file over SFTP from the server before it answers.
// Owner and group are not changed.
func (c *client) upload(payload []byte) ([]byte, error) {
	if !c.opts.uploads {
		return nil, errors.New("uploads are disabled on this client, " +
			"check [file-reception] enabled option")
	}
	file := &uploadedFile{}
	if err := json.Unmarshal(payload, file); err != nil {
		return nil, err
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	if !file.wanted() {
		return json.Marshal(uploadReply{UUID: file.ID, FilePath: file.DestinationPath,
			Status: "ignored"})
	}
	data, err := c.download(file.SourceFilePath)
	if err != nil {
		return nil, err
	}
	if sum := md5.Sum(data); !bytes.Equal(sum[:], file.Md5Checksum) {
		return nil, fmt.Errorf("md5 check failed: checksum from server %x doesn't equal the "+
			"calculated checksum", file.Md5Checksum)
	}
	if err := file.store(data); err != nil {
		return nil, err
	}
	return json.Marshal(uploadReply{
		UUID:     file.ID,
		FilePath: file.DestinationPath,
		Size:     int64(len(data)),
		Message:  "file successfully copied to destination " + file.DestinationPath,
		Status:   "success",
	})
}

func (f *uploadedFile) check() error {
	if f.SourceFilePath == "" {
		return errors.New("empty source file name")
	}
	if f.DestinationPath == "" {
		return errors.New("empty destination file path")
	}
	for _, glob := range defaultConfiguration().FileReception.Protected {
		inDir, _ := path.Match(glob, path.Dir(f.DestinationPath))
		same, _ := path.Match(glob, f.DestinationPath)
		if inDir || same {
			return fmt.Errorf("target path %s matches protected pattern %s, therefore the "+
				"file push request is rejected", f.DestinationPath, glob)
		}
	}
	return nil
}

// wanted is false if the destination may stay as it is.
func (f *uploadedFile) wanted() bool {
	info, err := os.Stat(f.DestinationPath)
	if err != nil || f.ForceWrite {
		return true
	}
	if !f.Sync {
		return false
	}
	data, _ := os.ReadFile(f.DestinationPath)
	sum := md5.Sum(data)
	return !bytes.Equal(sum[:], f.Md5Checksum) ||
		f.DestinationFileMode > 0 && f.DestinationFileMode != info.Mode().Perm()
}

func (f *uploadedFile) store(data []byte) error {
	mode := f.DestinationFileMode
	if mode == 0 {
		mode = 0764
	}
	if err := os.MkdirAll(filepath.Dir(f.DestinationPath), mode); err != nil {
		return err
	}
	os.Remove(f.DestinationPath)
	if err := os.WriteFile(f.DestinationPath, data, 0600); err != nil {
		return err
	}
	return os.Chmod(f.DestinationPath, mode)
}

func (c *client) download(source string) ([]byte, error) {
	channel, requests, err := c.conn.OpenChannel("session", nil)
	if err != nil {
		return nil, err
	}
	defer channel.Close()
	go ssh.DiscardRequests(requests)
	subsystem := ssh.Marshal(struct{ Name string }{"sftp"})
	ok, err := channel.SendRequest("subsystem", true, subsystem)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("subsystem sftp refused")
	}
	data, err := newSFTP(channel).readFile(source)
	_ = channel.CloseWrite()
	return data, err
}
