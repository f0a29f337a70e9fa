package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/payonce/payonce/access"
	"github.com/payonce/payonce/engine"
	"github.com/payonce/payonce/engine/embedded"
)

// adminSocket is the file in the data folder through which a running server is administered.
const adminSocket = "admin.sock"

func socketOf(data string) string { return filepath.Join(data, adminSocket) }

// administrator is what can be done to a data folder: through the running server if there is one, else directly.
type administrator interface {
	CreateKey(ctx context.Context, k newKey) (createdKey, error)
	ListKeys(ctx context.Context) ([]keyInfo, error)
	RevokeKey(ctx context.Context, id string) error
	// Backup writes a backup to path, which must not exist, and tells its progress in pages.
	Backup(ctx context.Context, path string, progress func(done, total int)) error
	// Installation is the id that this installation's PaymentIntents carry.
	Installation(ctx context.Context) (string, error)
	Close() error
}

// newKey asks for an API key.
type newKey struct {
	Tenant    string `json:"tenant"`
	Principal string `json:"principal"`
	Role      string `json:"role"`
}

// createdKey is an API key and, this once, its secret.
type createdKey struct {
	keyInfo
	Secret string `json:"secret"`
}

// keyInfo is what is shown of an API key.
type keyInfo struct {
	ID        string     `json:"id"`
	Tenant    string     `json:"tenant"`
	Principal string     `json:"principal"`
	Role      string     `json:"role"`
	Hint      string     `json:"hint"` // the last characters of the secret
	Created   time.Time  `json:"created_at"`
	Revoked   *time.Time `json:"revoked_at,omitempty"`
}

func infoOf(k access.Key) keyInfo {
	info := keyInfo{
		ID: k.ID, Tenant: k.Tenant, Principal: k.Principal, Role: string(k.Role), Hint: k.Hint, Created: k.Created,
	}
	if !k.Active() {
		info.Revoked = &k.Revoked
	}
	return info
}

// administer opens the way to the data folder. With create, a folder that is not there is made.
func administer(ctx context.Context, data string, create bool) (administrator, error) {
	if remote, err := dialAdmin(ctx, socketOf(data)); err == nil {
		return remote, nil
	}
	if _, err := os.Stat(filepath.Join(data, mirrorFolder)); err == nil {
		return nil, coded(exitRefused, errNotRunning)
	}
	if !create {
		r, err := embedded.OpenReader(ctx, data)
		if err != nil {
			return nil, missing(err)
		}
		if err := r.Close(); err != nil {
			return nil, fmt.Errorf("close the data folder: %w", err)
		}
	}
	store, err := embedded.Open(ctx, embedded.Config{Dir: data})
	if err != nil {
		return nil, err
	}
	return &localAdmin{store: store, revoke: store.RevokeKey, close: store.Close}, nil
}

// installationOf asks for the installation's id.
func installationOf(ctx context.Context, data string) (id string, err error) {
	admin, err := administer(ctx, data, false)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	return admin.Installation(ctx)
}

// missing gives a data folder that is not there the exit code for it.
func missing(err error) error {
	if errors.Is(err, embedded.ErrMissing) || errors.Is(err, os.ErrNotExist) {
		return coded(exitNotFound, err)
	}
	return err
}

// localAdmin administers an open store. The admin socket's server uses one, too.
type localAdmin struct {
	store  engine.Engine
	revoke func(ctx context.Context, id string, at time.Time) error
	close  func() error
}

func (l *localAdmin) CreateKey(ctx context.Context, n newKey) (createdKey, error) {
	k, secret, err := access.New(n.Tenant, n.Principal, access.Role(n.Role), rand.Reader, time.Now())
	if err != nil {
		return createdKey{}, coded(exitUsage, err)
	}
	if err := l.store.PutKey(ctx, k); err != nil {
		return createdKey{}, fmt.Errorf("store the key: %w", err)
	}
	return createdKey{keyInfo: infoOf(k), Secret: secret}, nil
}

func (l *localAdmin) ListKeys(ctx context.Context) ([]keyInfo, error) {
	all, err := l.store.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the keys: %w", err)
	}
	infos := make([]keyInfo, 0, len(all))
	for _, k := range all {
		infos = append(infos, infoOf(k))
	}
	return infos, nil
}

func (l *localAdmin) RevokeKey(ctx context.Context, id string) error {
	err := l.revoke(ctx, id, time.Now())
	if errors.Is(err, access.ErrNoKey) {
		return coded(exitNotFound, err)
	}
	return err
}

var errNotRunning = errors.New("the folder is of a server with the engine aws, which does not run: start it, it is administered through itself")

var errNoBackup = errors.New("only the embedded engine is backed up by payonce")

// Backup writes a backup while payments go on.
func (l *localAdmin) Backup(ctx context.Context, path string, progress func(done, total int)) error {
	file, ok := l.store.(*embedded.Store)
	if !ok {
		return coded(exitRefused, errNoBackup)
	}
	err := file.Backup(ctx, path, progress)
	if errors.Is(err, embedded.ErrExists) {
		return coded(exitRefused, err)
	}
	return err
}

// Installation reads the id from the open store.
func (l *localAdmin) Installation(context.Context) (string, error) {
	return l.store.Meta().Installation.String(), nil
}

func (l *localAdmin) Close() error { return l.close() }
