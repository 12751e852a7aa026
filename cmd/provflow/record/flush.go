package record

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/openova-io/provflow/service/flow"
)

// Flush sends what earlier runs left: of one deployment or, where none is named, of all. It
// fails where something is left.
func Flush(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	deployments := []string{o.Deployment}
	if o.Deployment == "" {
		if deployments, err = spooled(o.Spool); err != nil {
			return err
		}
	}
	left := 0
	for _, id := range deployments {
		o.Deployment = id
		n, err := o.flush(ctx)
		if err != nil {
			return err
		}
		left += n
	}
	if left > 0 {
		return fmt.Errorf("%d events are left", left)
	}
	return nil
}

func (o Options) flush(ctx context.Context) (left int, err error) {
	to, err := newServer(o)
	if err != nil {
		return 0, err
	}
	spools, err := leftBehind(o.folder())
	if err != nil {
		return 0, err
	}
	s, emptied := newSender(to), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(emptied)
		s.send(ctx, spools)
	}()
	s.await(emptied, o.Patience, ctx.Done())
	cancel()
	<-emptied
	left = s.report(o)
	if sent := len(spools); left == 0 && sent > 0 {
		o.say("%s: what %d runs left is sent", o.Deployment, sent)
	}
	return left, nil
}

// spooled lists the deployments there are spools of.
func spooled(dir string) (deployments []string, err error) {
	paths, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*", "*"+spoolEnding))
	for _, path := range paths {
		id := filepath.Base(filepath.Dir(path))
		if flow.CheckDeploymentID(id) == nil && (len(deployments) == 0 || deployments[len(deployments)-1] != id) {
			deployments = append(deployments, id)
		}
	}
	return deployments, err
}
