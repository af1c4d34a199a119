// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"strings"
)

// allowRule is one entry of tunnel_allowed (spec 5.7); a nil network or an
// empty port matches everything.
type allowRule struct {
	network *net.IPNet
	port    string
}

func parseAllowRules(entries []string) ([]allowRule, error) {
	var rules []allowRule
	for _, entry := range entries {
		rule, err := parseAllowRule(entry)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseAllowRule(entry string) (allowRule, error) {
	parts := strings.SplitN(entry, ":", 2)
	if len(parts) == 1 && strings.Trim(entry, "0123456789") == "" {
		return allowRule{port: entry}, nil
	}
	rule := allowRule{}
	if len(parts) == 2 {
		rule.port = parts[1]
	}
	if parts[0] == "" {
		return rule, nil
	}
	network, err := parseNetwork(parts[0])
	if err != nil {
		return rule, err
	}
	rule.network = network
	return rule, nil
}

// parseNetwork reads a CIDR or a single address.
func parseNetwork(text string) (*net.IPNet, error) {
	if strings.Contains(text, "/") {
		_, network, err := net.ParseCIDR(text)
		return network, err
	}
	ip := net.ParseIP(text)
	if ip == nil {
		return nil, fmt.Errorf("invalid IP addr: %s", text)
	}
	if v4 := ip.To4(); v4 != nil {
		ip = v4
	}
	return &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))}, nil
}

// tunnelAllowed is true when every address of the target matches some rule.
func tunnelAllowed(rules []allowRule, target string) (bool, error) {
	if len(rules) == 0 {
		return true, nil
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return false, err
	}
	addresses, err := net.LookupIP(host)
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if !anyRuleMatches(rules, address, port) {
			return false, nil
		}
	}
	return true, nil
}

func anyRuleMatches(rules []allowRule, address net.IP, port string) bool {
	for _, rule := range rules {
		if (rule.network == nil || rule.network.Contains(address)) &&
			(rule.port == "" || rule.port == port) {
			return true
		}
	}
	return false
}

// aclAllows is the server's check of a tunnel user's address (spec 5.9).
func aclAllows(acl string, address net.Addr) bool {
	if acl == "" {
		return true
	}
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return false
	}
	for _, entry := range strings.Split(acl, ",") {
		network, err := parseNetwork(entry)
		if err == nil && network.Contains(net.ParseIP(host)) {
			return true
		}
	}
	return false
}
