package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	sdkconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/aws"
	"github.com/payonce/payonce/engine/embedded"
)

// mirrorFolder is where the engine aws keeps its mirror in the data folder.
const mirrorFolder = "mirror"

// openEngine opens the store that the settings name.
func openEngine(ctx context.Context, s config.Settings, log *slog.Logger) (engine.Engine, error) {
	if s.Engine != config.EngineAWS {
		store, err := embedded.Open(ctx, embedded.Config{Dir: s.Data, Logger: log})
		if err != nil {
			return nil, fmt.Errorf("open the data folder: %w", err)
		}
		return store, nil
	}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	shared, err := sdkconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration (AWS_REGION, AWS_PROFILE, credentials): %w", err)
	}
	store, err := aws.Open(ctx, aws.Config{
		DynamoDB: shared, SQS: shared, Table: s.AWSTable, Queue: s.AWSQueue, Mirror: filepath.Join(s.Data, mirrorFolder), Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("open the engine aws: %w", err)
	}
	return store, nil
}
