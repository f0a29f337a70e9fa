package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/payonce/payonce/client"
)

// TestKeys works on the file, then through the socket of a running server, and looks whether a key opens the API.
func TestKeys(t *testing.T) {
	data := t.TempDir()
	env := []string{"PAYONCE_DATA=" + data}
	create := func(principal string) createdKey {
		t.Helper()
		var k createdKey
		payonce(t, env, "keys", "create", "--tenant", "shop", "--principal", principal, "--json").want(t, exitOK).json(t, &k)
		return k
	}
	offline := create("first")
	r := dev(t, data)
	info, err := os.Stat(socketOf(data))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket: %v, %v", info, err)
	}
	online := create("second")
	opens := func(k createdKey) bool {
		t.Helper()
		c, err := client.New(r.server.url(), k.Secret)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Overview(t.Context())
		if err != nil && !client.HasCode(err, client.CodeUnauthenticated) {
			t.Fatal(err)
		}
		return err == nil
	}
	if !opens(offline) || !opens(online) {
		t.Error("a key does not open the API")
	}
	list := payonce(t, env, "keys", "list").want(t, exitOK).out
	if strings.Count(list, "key_") != 3 || strings.Contains(list, offline.Secret) {
		t.Error(list)
	}
	payonce(t, env, "keys", "revoke", online.ID).want(t, exitOK)
	if opens(online) {
		t.Error("a revoked key opens the API")
	}
	payonce(t, env, "keys", "revoke", "key_0000000000000000").want(t, exitNotFound)
	payonce(t, env, "keys", "create", "--tenant", "shop", "--principal", "x", "--role", "king").want(t, exitUsage)
	r.stop()
	var after struct{ Keys []keyInfo }
	payonce(t, env, "keys", "list", "--json").want(t, exitOK).json(t, &after)
	for _, k := range after.Keys {
		if (k.ID == online.ID) != (k.Revoked != nil) {
			t.Errorf("got %+v", k)
		}
	}
}

func TestKeysOfNoFolder(t *testing.T) {
	payonce(t, nil, "keys", "list", "--data", t.TempDir()+"/none").want(t, exitNotFound)
}

// TestAStaleSocketIsReplaced: a killed server leaves its socket behind.
func TestAStaleSocketIsReplaced(t *testing.T) {
	data := t.TempDir()
	l, err := net.Listen("unix", socketOf(data))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	env := []string{"PAYONCE_DATA=" + data}
	payonce(t, env, "keys", "create", "--tenant", "shop", "--principal", "x").want(t, exitOK)
	dev(t, data)
	if out := payonce(t, env, "keys", "list").want(t, exitOK).out; strings.Count(out, "key_") != 2 {
		t.Error(out)
	}
}

func TestTheDevelopmentKey(t *testing.T) {
	data := t.TempDir()
	r := dev(t, data)
	info, err := os.Stat(data + "/" + devKeyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	mine := readDevKey(data)
	r.stop()

	// A key of one's own wins, in another folder, and is not written down.
	other := t.TempDir()
	r = dev(t, other, "--dev-key", mine)
	if readDevKey(other) != "" || !strings.Contains(r.out.String(), mine) {
		t.Error("--dev-key was not used")
	}
	r.stop()
	dev(t, other, "--dev-key", mine).stop()

	if _, code := tryRun(t, nil, "dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0", "--dev-key", "secret"); code != exitUsage {
		t.Errorf("a malformed key: exit code %d", code)
	}
	if err := os.WriteFile(data+"/"+devKeyFile, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code := tryRun(t, nil, "dev", "--data", data, "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"); code != exitError {
		t.Errorf("a file without a key: exit code %d", code)
	}
}
