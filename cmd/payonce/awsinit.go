package main

import (
	"errors"
	"fmt"
	"strings"

	sdkconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/payonce/payonce/config"
	"github.com/payonce/payonce/engine/aws/dynamo"
	"github.com/payonce/payonce/engine/aws/sqs"
)

// The settings of the SDK that point it at stand-ins.
var standInSettings = []string{"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "AWS_ENDPOINT_URL_SQS"}

func (a *app) awsCommand() *cobra.Command {
	group := &cobra.Command{
		Use: "aws", Short: "Prepare the engine aws", Args: cobra.NoArgs, RunE: needSubcommand,
		Example: "  payonce aws init",
	}
	group.AddCommand(a.awsInitCommand())
	return group
}

func (a *app) awsInitCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "init", Short: "Make table and queues on stand-ins", Args: cobra.NoArgs,
		Long: `Make the table and the work queue with its dead-letter queue on stand-ins for DynamoDB and SQS, such as those that
` + "`make aws-local`" + ` starts. It refuses to run against AWS itself: what belongs around a table and a queue there (keys,
policies, alarms, backups) is made by the stack in infra/. Safe to repeat.`,
		Example: "  payonce aws init\n  payonce aws init --aws-table mine --aws-queue mine-work",
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := a.settings(cmd)
			if err != nil {
				return err
			}
			for _, name := range standInSettings {
				if a.getenv(name) == "" {
					return usage("%s is not set: `make aws-local` starts stand-ins and prints it; tables and queues on AWS are made by the stack in infra/", name)
				}
			}
			shared, err := sdkconfig.LoadDefaultConfig(cmd.Context())
			if err != nil {
				return fmt.Errorf("read the AWS configuration: %w", err)
			}
			err = dynamo.CreateTable(cmd.Context(), dynamodb.NewFromConfig(shared), loaded.AWSTable)
			if err != nil && !errors.Is(err, dynamo.ErrTableExists) {
				return err
			}
			if err := sqs.Create(cmd.Context(), awssqs.NewFromConfig(shared), loaded.AWSQueue); err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), map[string]any{
					"table": loaded.AWSTable, "queues": []string{loaded.AWSQueue, loaded.AWSQueue + sqs.DeadSuffix},
				})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "table %s and queues %s, %s%s are there\n", loaded.AWSTable, loaded.AWSQueue, loaded.AWSQueue, sqs.DeadSuffix)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	config.AddFlags(cmd.Flags(), config.Server)
	return cmd
}

// getenv reads the environment that the program was given.
func (a *app) getenv(name string) string {
	for _, entry := range a.environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
