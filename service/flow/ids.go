package flow

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxID is the longest id accepted, in characters.
const MaxID = 512

// Names of the jobs and groups the bridge makes.
const (
	StepInit      = "tofu-init"
	StepPlan      = "tofu-plan"
	StepApply     = "tofu-apply"
	StepOutput    = "tofu-output"
	StepBootstrap = "cluster-bootstrap"

	GroupProvisioner  = "provisioner"
	GroupBootstrapKit = "bootstrap-kit"
	GroupCutover      = "cutover"
	GroupHandover     = "handover"
	GroupApps         = "apps"
	GroupMutations    = "day-2-mutations"
)

// Steps are the Phase-0 steps in the order in which they run.
var Steps = []string{StepInit, StepPlan, StepApply, StepOutput, StepBootstrap}

// GroupOrder lists the groups of which each comes after the one before it.
var GroupOrder = []string{GroupProvisioner, GroupBootstrapKit, GroupCutover, GroupHandover, GroupApps}

// labels are what people read for the names above.
var labels = map[string]string{
	StepInit:          "Terraform Init",
	StepPlan:          "Terraform Plan",
	StepApply:         "Terraform Apply",
	StepOutput:        "Terraform Output",
	StepBootstrap:     "Bootstrap Cluster",
	GroupProvisioner:  "Provision",
	GroupBootstrapKit: "Bootstrap",
	GroupCutover:      "Cutover",
	GroupHandover:     "Handover",
	GroupApps:         "Apps",
	GroupMutations:    "Day-2 Mutations",
}

const installPrefix = "install-"

var (
	deploymentID  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	componentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// Label is what people read for a step's or a group's name; the name itself for any other.
func Label(name string) string {
	if l, ok := labels[name]; ok {
		return l
	}
	return name
}

// CheckDeploymentID refuses what is not a deployment id, with what one looks like.
func CheckDeploymentID(id string) error {
	if deploymentID.MatchString(id) {
		return nil
	}
	return Invalidf("invalid-deployment-id",
		"deployment id %s: use 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit", quote(id))
}

// CheckID refuses a flow or job id that is empty, too long or has control characters.
func CheckID(field, id string) error {
	switch {
	case id == "":
		return Invalidf("invalid-id", "%s is empty: give an id of 1 to %d characters", field, MaxID)
	case !utf8.ValidString(id):
		return Invalidf("invalid-id", "%s is not valid UTF-8", field)
	case utf8.RuneCountInString(id) > MaxID:
		return Invalidf("invalid-id", "%s has more than %d characters", field, MaxID)
	case strings.ContainsFunc(id, unicode.IsControl):
		return Invalidf("invalid-id", "%s %s has a control character", field, quote(id))
	}
	return nil
}

// CheckSentID is CheckID of what JSON said. In place of what is no text a reader of JSON puts
// U+FFFD, and two ids would become one.
func CheckSentID(field, id string) error {
	if strings.ContainsRune(id, utf8.RuneError) {
		return Invalidf("invalid-id", "%s is not valid UTF-8", field)
	}
	return CheckID(field, id)
}

// CheckRegion refuses what cannot be a region's name; "" is the primary region.
func CheckRegion(region string) error {
	if region == "" || deploymentID.MatchString(region) {
		return nil
	}
	return Invalidf("invalid-region", "region %s: use 1 to 63 of a-z, 0-9 and '-'", quote(region))
}

// ParseComponent reads a component's name as sources write it (`cilium`,
// `bp-cilium`) and gives the chart's bare name.
func ParseComponent(s string) (string, error) {
	chart := strings.TrimPrefix(strings.TrimPrefix(s, installPrefix), "bp-")
	if !componentName.MatchString(chart) {
		return "", Invalidf("invalid-component", "component %s: use a HelmRelease's name, such as bp-cilium", quote(s))
	}
	return chart, nil
}

// HomeNamespace is where the releases of a kit are. A release elsewhere carries its
// namespace in its name, so that two of one name are two jobs, whichever is seen first.
const HomeNamespace = "flux-system"

// CheckNamespace refuses what cannot be a namespace's name; "" is the home namespace.
func CheckNamespace(namespace string) error {
	if namespace == "" || deploymentID.MatchString(namespace) {
		return nil
	}
	return Invalidf("invalid-namespace", "namespace %s: use 1 to 63 of a-z, 0-9 and '-'", quote(namespace))
}

// ComponentName is what a chart's install in a namespace is called: `redis`, or
// `redis@apps` outside the home namespace. No release's name and no region has an `@`.
func ComponentName(namespace, chart string) string {
	if namespace == "" || namespace == HomeNamespace {
		return chart
	}
	return chart + "@" + namespace
}

// Beside completes a reference as a release in that namespace makes it: a bare release
// name is one beside it.
func Beside(namespace, ref string) string {
	switch {
	case namespace == "", namespace == HomeNamespace, strings.ContainsAny(ref, "/:@"),
		strings.HasPrefix(ref, installPrefix), isStepOrGroup(ref), hasPhasePrefix(ref):
		return ref
	}
	return namespace + "/" + ref
}

// Names makes and resolves the ids of one deployment. Ids are made and read here
// and nowhere else.
type Names struct {
	Deployment string
	Primary    string // the primary region's name; "" when none is recorded
}

// Region gives the region as it is kept: "" for the primary one, however it is named.
func (n Names) Region(region string) string {
	if region == n.Primary {
		return ""
	}
	return region
}

// Job is the id of the job with this name.
func (n Names) Job(name string) string { return n.Deployment + ":" + name }

// InstallName is the job name of a chart's install in a region ("" or primary: the bare one).
func (n Names) InstallName(region, chart string) string {
	if r := n.Region(region); r != "" {
		return installPrefix + r + ":" + chart
	}
	return installPrefix + chart
}

// BootstrapKit is the id of the group of a region's installs.
func (n Names) BootstrapKit(region string) string {
	if r := n.Region(region); r != "" {
		return n.Job(r + ":" + GroupBootstrapKit)
	}
	return n.Job(GroupBootstrapKit)
}

// Resolve turns a reference to a job, as a source in that region wrote it, into the
// full id: a full id, an alias `<deployment>:<region>:install-<chart>`, a job's name, or a
// chart's name with or without `bp-`, in a namespace where it is written `apps/bp-redis`.
// Only `<deployment>:` makes an id a full one.
func (n Names) Resolve(region, ref string) string {
	if rest, full := strings.CutPrefix(ref, n.Deployment+":"); full {
		return n.Job(n.unalias(rest))
	}
	if namespace, name, elsewhere := strings.Cut(ref, "/"); elsewhere {
		return n.Job(n.InstallName(region, ComponentName(namespace, strings.TrimPrefix(name, "bp-"))))
	}
	if chart, release := strings.CutPrefix(ref, "bp-"); release {
		return n.Job(n.InstallName(region, chart))
	}
	if isStepOrGroup(ref) || hasPhasePrefix(ref) {
		return n.Job(ref)
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(ref, installPrefix), "bp-")
	if r := n.Region(region); r != "" {
		rest = strings.TrimPrefix(rest, r+":")
	}
	return n.Job(n.InstallName(region, rest))
}

// Candidates lists what a reader may have meant by a job's id, most literal first: the id
// as it stands, a job's bare name, or whatever Resolve takes.
func (n Names) Candidates(ref string) []string {
	name := n.Job(ref)
	return []string{ref, name, n.Resolve("", ref), n.Resolve("", name)}
}

// unalias rewrites `<region>:install-<chart>` to `install-<region>:<chart>`.
func (n Names) unalias(name string) string {
	region, rest, ok := strings.Cut(name, ":")
	chart, install := strings.CutPrefix(rest, installPrefix)
	if !ok || !install || strings.HasPrefix(region, installPrefix) {
		return name
	}
	return n.InstallName(region, chart)
}

// SameRegion reports whether the job with this id may be a dependency of a job in
// region: installs only within it, everything else (steps, groups) from anywhere.
func (n Names) SameRegion(region, jobID string) bool {
	name, ok := strings.CutPrefix(jobID, n.Deployment+":")
	rest, install := strings.CutPrefix(name, installPrefix)
	if !ok || !install {
		return true
	}
	other, _, regional := strings.Cut(rest, ":")
	if !regional {
		other = ""
	}
	return other == n.Region(region)
}

// ExecutionID is the id of a job's attempt; attempts count from 1.
func ExecutionID(jobID string, attempt int) string {
	return jobID + ":" + strconv.Itoa(attempt)
}

func isStepOrGroup(name string) bool {
	_, ok := labels[name]
	return ok
}

// hasPhasePrefix recognises the job names of later phases.
func hasPhasePrefix(name string) bool {
	for _, p := range []string{"cutover", "handover", "mutation-"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// quote shows a client's text back to it, bounded.
func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strconv.Quote(s)
}
