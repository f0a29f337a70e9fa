package standin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// The folders that tools/aws/install makes. A test compares the names.
const (
	dynamoDBFolder = "dynamodb-local-3.3.1"
	sqsFolder      = "elasticmq-1.7.1"
	loopbackFolder = "loopback-1"
)

// ErrNotInstalled says that a stand-in is not on this machine.
var ErrNotInstalled = errors.New("run make aws-tools")

// InstallFolder is where `make aws-tools` puts the stand-ins: $CI_CACHE/aws, or ~/.cache/payonce-tools/aws.
func InstallFolder() (string, error) {
	if cache := os.Getenv("CI_CACHE"); cache != "" {
		return filepath.Join(cache, "aws"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of the stand-ins: %w", err)
	}
	return filepath.Join(home, ".cache", "payonce-tools", "aws"), nil
}

// installed returns the path of each named folder.
func installed(names ...string) ([]string, error) {
	root, err := InstallFolder()
	if err != nil {
		return nil, err
	}
	paths := make([]string, 0, len(names))
	for _, name := range names {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: the stand-in is not installed: %w", ErrNotInstalled, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// Both programs are small here and short-lived: the simplest collector and the first compiler start fastest.
func jvm(arguments ...string) []string {
	return append([]string{"java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, arguments...)
}

// dynamoDBCommand returns the command that starts DynamoDB Local on a port. It has no option for the address, so a
// small class of ours (tools/aws) makes the JDK listen on loopback where it asks for all interfaces.
func dynamoDBCommand(port int) ([]string, error) {
	paths, err := installed(dynamoDBFolder, loopbackFolder)
	if err != nil {
		return nil, err
	}
	return jvm(
		"-Xmx512m",
		"--patch-module", "java.base="+paths[1],
		"-Djava.nio.channels.spi.SelectorProvider=sun.nio.ch.LoopbackSelectorProvider",
		"-Djava.net.preferIPv4Stack=true",
		"-Djava.library.path="+filepath.Join(paths[0], "DynamoDBLocal_lib"),
		"-jar", filepath.Join(paths[0], "DynamoDBLocal.jar"),
		"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port),
	), nil
}

// sqsCommand returns the command that starts ElasticMQ on a port.
func sqsCommand(port int) ([]string, error) {
	paths, err := installed(sqsFolder)
	if err != nil {
		return nil, err
	}
	return jvm(
		"-Xmx256m",
		"-Drest-sqs.bind-hostname=127.0.0.1", "-Drest-sqs.bind-port="+strconv.Itoa(port),
		"-Dnode-address.host=127.0.0.1", "-Dnode-address.port="+strconv.Itoa(port),
		"-Drest-stats.enabled=false",
		"-Daws.region="+Region, "-Daws.accountId="+Account,
		"-cp", filepath.Join(paths[0], "*"), "org.elasticmq.server.Main",
	), nil
}
