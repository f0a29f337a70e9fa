package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine"
)

const (
	devKeyFile   = "dev.key"
	devTenant    = "dev"
	devPrincipal = "developer"
)

// readDevKey reads the development key of a data folder; empty if there is none.
func readDevKey(data string) string {
	b, err := os.ReadFile(filepath.Join(data, devKeyFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// ensureDevKey makes sure that the store knows the development key: the one given, or the one in the data folder, or a
// new one that is written there (0600). It returns the secret.
func ensureDevKey(ctx context.Context, store engine.Engine, data, given string) (string, error) {
	secret := given
	if secret == "" {
		secret = readDevKey(data)
	}
	if secret != "" && access.Parse(secret) != nil {
		if given == "" {
			return "", fmt.Errorf("the file %s holds no API key: remove it, a new one is made", filepath.Join(data, devKeyFile))
		}
		return "", usage("dev_key: %w; `payonce keys create` makes one", access.ErrSecret)
	}
	k, made, err := access.New(devTenant, devPrincipal, access.Producer, rand.Reader, time.Now())
	if err != nil {
		return "", err
	}
	if secret == "" {
		secret = made
	} else {
		known, err := store.LookupKey(ctx, access.Hash(secret))
		switch {
		case err == nil && known.Active():
			return secret, nil
		case err == nil:
			return "", fmt.Errorf("the development key was revoked: remove %s, a new one is made", filepath.Join(data, devKeyFile))
		case !errors.Is(err, access.ErrNoKey):
			return "", fmt.Errorf("look up the development key: %w", err)
		}
		k.Hash, k.Hint = access.Hash(secret), secret[len(secret)-4:]
	}
	if given == "" {
		// The file first: a key that is stored and nowhere to be read would be of no use.
		if err := os.WriteFile(filepath.Join(data, devKeyFile), []byte(secret+"\n"), 0o600); err != nil {
			return "", fmt.Errorf("keep the development key: %w", err)
		}
	}
	if err := store.PutKey(ctx, k); err != nil {
		return "", fmt.Errorf("store the development key: %w", err)
	}
	return secret, nil
}
