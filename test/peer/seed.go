// SPDX-License-Identifier: MIT

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"math/big"

	"golang.org/x/crypto/ssh"
)

// seedBytes is the generator of spec 2.3, steps 1 to 3.
func seedBytes(seed string) []byte {
	state := []byte(seed)
	for i := 0; i < 2048; i++ {
		sum := sha512.Sum512(state)
		state = sum[:32]
	}
	var out []byte
	for len(out) < 40 {
		sum := sha512.Sum512(state)
		state = sum[:32]
		out = append(out, sum[32:]...)
	}
	return out[:40]
}

// seedKey is spec 2.3, steps 4 and 5.
func seedKey(seed string) *ecdsa.PrivateKey {
	curve := elliptic.P256()
	one := big.NewInt(1)
	d := new(big.Int).SetBytes(seedBytes(seed))
	d.Mod(d, new(big.Int).Sub(curve.Params().N, one))
	d.Add(d, one)

	key := &ecdsa.PrivateKey{D: d}
	key.Curve = curve
	key.X, key.Y = curve.ScalarBaseMult(d.Bytes())
	return key
}

// hostKey gives the server's key: derived from the seed, random without one.
func hostKey(seed string) (ssh.Signer, error) {
	if seed != "" {
		return ssh.NewSignerFromKey(seedKey(seed))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// runSeed prints the columns of spec A.1 for each argument.
func runSeed(args []string) int {
	for _, seed := range args {
		signer, err := hostKey(seed)
		if err != nil {
			emit("error", "error", err)
			return exitFailed
		}
		emit("seed", "seed", seed, "bytes", fmt.Sprintf("%x", seedBytes(seed)),
			"scalar", fmt.Sprintf("%064x", seedKey(seed).D),
			"fingerprint", ssh.FingerprintLegacyMD5(signer.PublicKey()))
	}
	return exitOK
}
