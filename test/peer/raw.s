// SPDX-License-Identifier: MIT
// Empty on purpose: see raw.go.
