package dbtest

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

// openContainer starts a container. The library panics where it finds no Docker at
// all; that is an answer here, not a crash.
func openContainer(ctx context.Context) (src source, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("no Docker: %v", r)
		}
	}()
	c, err := postgres.Run(ctx, cmp.Or(os.Getenv(imageEnv), image),
		postgres.WithDatabase("provflow"), postgres.WithUsername("provflow"), postgres.WithPassword("provflow"),
		testcontainers.WithCmdArgs(arguments()...), postgres.BasicWaitStrategies())
	stop := func(context.Context) error { return testcontainers.TerminateContainer(c) }
	if err != nil {
		_ = stop(ctx)
		return source{}, fmt.Errorf("starting a PostgreSQL container: %w", err)
	}
	dsn, err := c.ConnectionString(ctx, "sslmode=disable")
	if err != nil {
		_ = stop(ctx)
		return source{}, fmt.Errorf("asking for the container's address: %w", err)
	}
	return source{dsn: dsn, stop: stop}, nil
}

func arguments() []string {
	var args []string
	for name, value := range settings() {
		args = append(args, "-c", name+"="+value)
	}
	return args
}
