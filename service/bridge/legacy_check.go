package bridge

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/openova-io/provflow/service/flow"
)

const slugImport = "invalid-import"

// ParseLegacy reads an index. Its errors are flow.Invalid and name the field.
func ParseLegacy(body []byte) (Legacy, error) {
	var w LegacyIndex
	if err := json.Unmarshal(body, &w); err != nil {
		return Legacy{}, flow.JSONError(slugImport, err)
	}
	if err := flow.CheckDeploymentID(w.DeploymentID); err != nil {
		return Legacy{}, err
	}
	for i, j := range w.Jobs {
		if err := checkLegacyJob(w.DeploymentID, i, j); err != nil {
			return Legacy{}, err
		}
	}
	for i, x := range w.Executions {
		if err := checkLegacyExecution(w.DeploymentID, i, x); err != nil {
			return Legacy{}, err
		}
	}
	return Legacy{w.DeploymentID, w.SovereignFQDN, w.Jobs, w.Executions, sha256.Sum256(body)}, nil
}

func checkLegacyExecution(deployment string, i int, x LegacyExecution) error {
	field := "executions[" + strconv.Itoa(i) + "]"
	if err := flow.CheckSentID(field+".id", x.ID); err != nil {
		return err
	}
	if err := checkOwner(field, deployment, x.DeploymentID, x.JobID); err != nil {
		return err
	}
	return checkTimes(slugImport, field, x.StartedAt, x.FinishedAt)
}

// checkOwner refuses what is another deployment's, by what it says or by its job's id.
func checkOwner(field, deployment, owner, job string) error {
	if owner == "" {
		owner, _, _ = strings.Cut(job, ":")
		if owner == job || strings.HasPrefix(job, "install-") { // a name, that of a region's install among them
			return nil
		}
	}
	if owner != deployment {
		return flow.Invalidf(slugImport, "%s is of deployment %.80q, not of %q; import each by itself", field, owner, deployment)
	}
	return nil
}

func checkLegacyJob(deployment string, i int, j LegacyJob) error {
	field := "jobs[" + strconv.Itoa(i) + "]"
	if err := flow.CheckSentID(field+".id or jobName", cmp.Or(j.ID, j.JobName)); err != nil {
		return err
	}
	if err := cmp.Or(checkOwner(field, deployment, j.DeploymentID, ""), checkOwner(field, deployment, "", j.ID)); err != nil {
		return err
	}
	names := flow.Names{Deployment: deployment}
	ids := []string{names.Resolve(j.Region, cmp.Or(j.ID, j.JobName)), parentOf(names, j)}
	for i, name := range []string{"id", "parentId"} {
		if ids[i] != "" && flow.CheckID(name, ids[i]) != nil {
			return flow.Invalidf(slugImport, "%s.%s is too long for an id, or has a control character", field, name)
		}
	}
	if _, ok := flow.ParseStatus(strings.ToLower(j.Status)); !ok {
		return flow.Invalidf(slugImport, "%s.status %.40q is unknown; use pending, running, succeeded or failed", field, j.Status)
	}
	return cmp.Or(checkTimes(slugImport, field, j.StartedAt, j.FinishedAt), checkReferences(names, field, ids[0], j))
}

// checkReferences holds what a job refers to against what an id may be, alone and with the
// job's own.
func checkReferences(names flow.Names, field, id string, j LegacyJob) error {
	if err := flow.CheckKey(field+".parentId", names.Deployment, id, parentOf(names, j)); err != nil {
		return err
	}
	for i, ref := range j.DependsOn {
		field := fmt.Sprintf("%s.dependsOn[%d]", field, i)
		if err := cmp.Or(flow.CheckSentID(field, ref), flow.CheckKey(field, names.Deployment, id, names.Resolve(j.Region, ref))); err != nil {
			return err
		}
	}
	return nil
}
