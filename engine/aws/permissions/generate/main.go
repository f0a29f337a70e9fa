// Command generate writes what the stack in infra/ is made from: who may do what, and how queues and table are set up.
// Usage: generate FOLDER
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/payonce/payonce/engine/aws/permissions"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("name the folder to write to")
	}
	files, err := permissions.Files()
	if err != nil {
		return err
	}
	folder, err := os.OpenRoot(args[0])
	if err != nil {
		return fmt.Errorf("opening the folder: %w", err)
	}
	for name, text := range files {
		if err := folder.WriteFile(name, text, 0o644); err != nil {
			return errors.Join(fmt.Errorf("writing: %w", err), folder.Close())
		}
	}
	return folder.Close()
}
