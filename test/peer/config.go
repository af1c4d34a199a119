// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"errors"
	"time"
)

// clientConfiguration has the types of spec appendix B. They matter at the
// server: one value of another type makes all of new_connection unreadable.
type clientConfiguration struct {
	Client                      configClient              `json:"client"`
	Connection                  configConnection          `json:"connection"`
	Logging                     configLogging             `json:"logging"`
	RemoteCommands              configCommands            `json:"remote_commands"`
	RemoteScripts               configEnabled             `json:"remote_scripts"`
	Monitoring                  configMonitoring          `json:"monitoring"`
	FileReception               configFileReception       `json:"file_reception"`
	InterpreterAliases          map[string]string         `json:"interpreter_aliases"`
	InterpreterAliasesEncodings map[string]configEncoding `json:"interpreter_aliases_encodings"`
}

type configClient struct {
	Server                   string            `json:"server"`
	FallbackServers          []string          `json:"fallback_servers"`
	ServerSwitchbackInterval time.Duration     `json:"server_switchback_interval"`
	Fingerprint              string            `json:"fingerprint"`
	Auth                     string            `json:"auth"`
	Proxy                    string            `json:"proxy"`
	ID                       string            `json:"id"`
	UseSystemID              bool              `json:"use_system_id"`
	Name                     string            `json:"name"`
	UseHostname              bool              `json:"use_hostname"`
	Tags                     []string          `json:"tags"`
	Labels                   map[string]string `json:"labels"`
	Remotes                  []string          `json:"remotes"`
	TunnelAllowed            []string          `json:"tunnel_allowed"`
	AllowRoot                bool              `json:"allow_root"`
	UpdatesInterval          time.Duration     `json:"updates_interval"`
	DataDir                  string            `json:"data_dir"`
	BindInterface            string            `json:"bind_interface"`
	IPAPIURL                 string            `json:"ip_api_url"`
	IPRefreshMin             int64             `json:"ip_refresh_min"`
	ProxyURL                 *configURL        `json:"proxy_url"`
	Tunnels                  []*remote         `json:"tunnels"`
	AuthUser                 string            `json:"auth_user"`
	AuthPass                 string            `json:"auth_pass"`
}

type configURL struct {
	Scheme, Opaque, Host, Path, RawPath string
	User                                *struct{}
	OmitHost, ForceQuery                bool
	RawQuery, Fragment, RawFragment     string
}

type configConnection struct {
	KeepAlive           time.Duration       `json:"keep_alive"`
	KeepAliveTimeout    time.Duration       `json:"keep_alive_timeout"`
	MaxRetryCount       int                 `json:"max_retry_count"`
	MaxRetryInterval    time.Duration       `json:"max_retry_interval"`
	Headers             []string            `json:"headers"`
	Hostname            string              `json:"hostname"`
	WatchdogIntegration bool                `json:"watchdog_integration"`
	HTTPHeaders         map[string][]string `json:"http_headers"`
}

type configLogging struct {
	LogFile struct{ File *struct{} } `json:"log_file"`
	Level   int                      `json:"log_level"`
}

type configCommands struct {
	Enabled       bool        `json:"enabled"`
	SendBackLimit int         `json:"send_back_limit"`
	Allow         []string    `json:"allow"`
	Deny          []string    `json:"deny"`
	Order         [2]string   `json:"order"`
	AllowRegexp   []*goRegexp `json:"allow_regexp"`
	DenyRegexp    []*goRegexp `json:"deny_regexp"`
}

// goRegexp is a regular expression as Go 1.19 releases write and read it: an
// object without keys. They cannot read a string here (spec 3.2).
type goRegexp struct{}

func (*goRegexp) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("{")) || string(text) == "null" {
		return nil
	}
	return errors.New("regular expression is not an object")
}

type configEnabled struct {
	Enabled bool `json:"enabled"`
}

type configMonitoring struct {
	Enabled              bool           `json:"enabled"`
	Interval             time.Duration  `json:"interval"`
	FSTypeInclude        []string       `json:"fs_type_include"`
	FSPathExclude        []string       `json:"fs_path_exclude"`
	FSPathExcludeRecurse bool           `json:"fs_path_exclude_recurse"`
	FSIdentifyByDevice   bool           `json:"fs_identify_mountpoints_by_device"`
	PMEnabled            bool           `json:"pm_enabled"`
	PMKerneltasksEnabled bool           `json:"pm_kerneltasks_enabled"`
	PMMaxNumberProcesses uint           `json:"pm_max_number_processes"`
	NetLan               []string       `json:"net_lan"`
	NetWan               []string       `json:"net_wan"`
	LanCard              *configNetCard `json:"lan_card"`
	WanCard              *configNetCard `json:"wan_card"`
}

type configNetCard struct {
	Name     string `json:"name"`
	MaxSpeed int    `json:"max_speed"`
}

type configFileReception struct {
	Protected []string `json:"protected"`
	Enabled   bool     `json:"enabled"`
}

type configEncoding struct {
	Input  string `json:"input_encoding"`
	Output string `json:"output_encoding"`
}

// defaultConfiguration is what a client with default settings sends.
func defaultConfiguration() *clientConfiguration {
	return &clientConfiguration{
		Client: configClient{
			FallbackServers:          []string{},
			ServerSwitchbackInterval: 2 * time.Minute,
			UseSystemID:              true,
			UseHostname:              true,
			Tags:                     []string{},
			UpdatesInterval:          4 * time.Hour,
			DataDir:                  "/var/lib/rport",
			IPRefreshMin:             30,
		},
		Connection: configConnection{
			KeepAlive:        3 * time.Minute,
			KeepAliveTimeout: replyTimeout,
			MaxRetryCount:    -1,
			MaxRetryInterval: 5 * time.Minute,
			HTTPHeaders:      map[string][]string{},
		},
		Logging: configLogging{Level: 1},
		RemoteCommands: configCommands{
			Enabled:       true,
			SendBackLimit: 4194304,
			Allow:         []string{`^/usr/bin/.*`, `^/usr/local/bin/.*`},
			Deny:          []string{`(\||<|>|;|,|\n|&)`},
			Order:         [2]string{"allow", "deny"},
			AllowRegexp:   []*goRegexp{{}, {}},
			DenyRegexp:    []*goRegexp{{}},
		},
		Monitoring: configMonitoring{
			Enabled:              true,
			Interval:             time.Minute,
			FSTypeInclude:        []string{"ext3", "ext4", "xfs", "btrfs", "zfs"},
			FSPathExclude:        []string{},
			PMEnabled:            true,
			PMMaxNumberProcesses: 500,
			NetLan:               []string{},
			NetWan:               []string{},
		},
		FileReception: configFileReception{
			Protected: []string{"/bin", "/sbin", "/boot", "/usr/bin", "/usr/sbin", "/dev",
				"/lib*", "/run"},
			Enabled: true,
		},
		InterpreterAliases:          map[string]string{},
		InterpreterAliasesEncodings: map[string]configEncoding{},
	}
}
