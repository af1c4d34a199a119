// SPDX-License-Identifier: MIT

// rport-peer plays the two Go programs that are already installed at users,
// an RPort client and an RPort server, for end-to-end tests of ours. It is
// written from the protocol description and uses the same two libraries as
// the originals, so that framing, key exchange and gob streams are real.
//
// Every subcommand prints one JSON object per line on stdout.
package main

import (
	"fmt"
	"os"
	"sort"
)

// Exit codes, the same for every subcommand.
const (
	exitOK      = 0 // told to stop: quit command or --duration
	exitFailed  = 1 // could not connect, listen or authenticate
	exitClosed  = 2 // the other side ended the connection
	exitTimeout = 3 // the other side left a request unanswered
	exitUsage   = 64
)

var subcommands = map[string]func(args []string) int{
	"client":   runClient,
	"server":   runServer,
	"fuzzconn": runFuzzconn,
	"gobvec":   runGobvec,
	"seed":     runSeed,
	"echo":     runEcho,
	"check":    runCheck,
	"web":      runWeb,
	"wscheck":  runWscheck,
	"wsuser":   runWsuser,
}

func main() {
	if len(os.Args) >= 2 {
		if run, ok := subcommands[os.Args[1]]; ok {
			os.Exit(run(os.Args[2:]))
		}
	}
	var names []string
	for name := range subcommands {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintf(os.Stderr, "usage: %s SUBCOMMAND [flags], one of %v\n", os.Args[0], names)
	os.Exit(exitUsage)
}
