package main

import (
	"log/slog"
	"time"

	"github.com/openova-io/provflow/api/upstream"
)

// upstreamFlags say where a flow is asked for that is not here.
type upstreamFlags struct {
	FlowServerURL      string        `env:"OPENOVA_FLOW_SERVER_URL" placeholder:"URL" help:"Flow server to ask for flows that are not here; without it a deployment's own, https://openova-flow.<its FQDN>."`
	FlowProxyTimeout   time.Duration `env:"OPENOVA_FLOW_PROXY_TIMEOUT" default:"10s" placeholder:"TIME" help:"How long it is waited for (${default})."`
	FlowTLSSkipVerify  bool          `env:"OPENOVA_FLOW_TLS_SKIP_VERIFY" help:"Take any certificate from it."`
	UpstreamZones      []string      `env:"PROVFLOW_UPSTREAM_ZONES" placeholder:"DOMAIN" help:"Domains in which a deployment's FQDN must lie for its flow server to be asked; none: any."`
	UpstreamAllowCIDRs []string      `name:"upstream-allow-cidrs" env:"PROVFLOW_UPSTREAM_ALLOW_CIDRS" placeholder:"CIDR" help:"Addresses a deployment's flow server may have although they are not public."`
}

func (f upstreamFlags) client(log *slog.Logger) (*upstream.Client, error) {
	return upstream.New(upstream.Options{
		FlowServerURL: f.FlowServerURL, Zones: f.UpstreamZones, AllowCIDRs: f.UpstreamAllowCIDRs,
		SkipVerify: f.FlowTLSSkipVerify, Timeout: f.FlowProxyTimeout, Logger: log,
	})
}
