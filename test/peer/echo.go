// SPDX-License-Identifier: MIT

package main

import (
	"flag"
	"io"
	"net"
	"time"
)

// runEcho is a tunnel target that sends back what it gets, on TCP and UDP.
func runEcho(args []string) int {
	f := flag.NewFlagSet("echo", flag.ContinueOnError)
	tcp := f.String("tcp", "127.0.0.1:0", "TCP `address`")
	udp := f.String("udp", "127.0.0.1:0", "UDP `address`")
	duration := f.Duration("duration", 0, "stop after this time, 0 is never")
	if f.Parse(args) != nil {
		return exitUsage
	}
	listener, err := net.Listen("tcp", *tcp)
	if err != nil {
		emit("error", "error", err)
		return exitFailed
	}
	socket, err := net.ListenPacket("udp", *udp)
	if err != nil {
		emit("error", "error", err)
		return exitFailed
	}
	emit("listening", "tcp", listener.Addr().String(), "udp", socket.LocalAddr().String())
	go echoTCP(listener)
	go echoUDP(socket)
	if *duration > 0 {
		time.Sleep(*duration)
		return exitOK
	}
	select {}
}

func echoTCP(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			n, err := io.Copy(conn, conn)
			conn.Close()
			emit("echoed", "bytes", n, "error", errorText(err))
		}()
	}
}

func echoUDP(socket net.PacketConn) {
	buffer := make([]byte, 65536)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		_, _ = socket.WriteTo(buffer[:n], from)
	}
}
