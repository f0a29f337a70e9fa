package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// A journal file is a header and frames. A frame holds the entries of one group commit:
//
//	"psbx" | payload length u32 | frame number u64 | CRC-32C of the 12 bytes before and the payload u32 | payload
//
// with big-endian numbers; the payload is CBOR items, one an entry. A frame is written only after the one before it was
// synced, so at most the last one can be torn by a crash.
const (
	journalHeader = "payonce sandbox journal 1\n"
	frameMagic    = "psbx"
	frameHead     = 20
	maxFrame      = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Errors of a journal.
var (
	// ErrCorrupt is wrapped when a journal is damaged before its end. It is not opened: what it would forget could be a
	// charge. A damaged last frame cannot be told from one that a crash tore off and is dropped.
	ErrCorrupt = errors.New("sandbox: journal is corrupt")
	// ErrNotJournal is wrapped when the file is something else.
	ErrNotJournal = errors.New("sandbox: not a journal")
	// ErrLocked is wrapped when another process has the journal open.
	ErrLocked = errors.New("sandbox: journal is in use by another process")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("sandbox: closed")
)

// journal appends entries to a file and syncs them in groups: whatever waits when a sync ends shares the next one.
// append is called under the core's lock and does no I/O; wait is called outside of it.
type journal struct {
	file *os.File
	enc  cbor.UserBufferEncMode
	sync func() error // file.Sync; tests replace it

	mu      sync.Mutex
	wake    *sync.Cond // the committer's
	buf     *bytes.Buffer
	spare   *bytes.Buffer
	n       uint64 // entries appended
	flying  uint64 // entries written or being written
	durable uint64 // entries synced
	frame   uint64 // number of the next frame
	next    chan struct{}
	current chan struct{} // closed when the frame that is being written is durable
	closing bool
	err     error // the first failure; nothing is durable after it
	done    chan struct{}
}

// openJournal reads a journal, calls apply for each entry in order, drops a torn last frame and readies the file for
// appending. Whoever opens it must call close.
func openJournal(path string, apply func(*entry)) (j *journal, err error) {
	enc, err := cbor.EncOptions{Sort: cbor.SortNone}.UserBufferEncMode()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: open journal: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := lockFile(file); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLocked, path, err)
	}
	end, frames, err := readJournal(file, apply)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := readyJournal(file, end); err != nil {
		return nil, fmt.Errorf("sandbox: prepare journal: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("sandbox: sync the journal's folder: %w", err)
	}
	j = &journal{
		file: file, enc: enc, sync: file.Sync, buf: new(bytes.Buffer), spare: new(bytes.Buffer), frame: frames,
		next: make(chan struct{}), current: make(chan struct{}), done: make(chan struct{}),
	}
	j.wake = sync.NewCond(&j.mu)
	j.begin()
	go j.run()
	return j, nil
}

// readyJournal cuts the file after its last whole frame and puts the write position there.
func readyJournal(file *os.File, end int64) error {
	if end == 0 {
		if err := file.Truncate(0); err != nil {
			return err
		}
		if _, err := file.WriteAt([]byte(journalHeader), 0); err != nil {
			return err
		}
		end = int64(len(journalHeader))
	}
	if err := file.Truncate(end); err != nil {
		return err
	}
	if _, err := file.Seek(end, 0); err != nil {
		return err
	}
	return file.Sync()
}

func (j *journal) begin() {
	j.buf.Reset()
	j.buf.Write(make([]byte, frameHead))
}

// append adds an entry to the frame that is gathered and gives its position for wait.
func (j *journal) append(e *entry) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	if j.err == nil {
		if err := j.enc.MarshalToBuffer(e, j.buf); err != nil {
			j.err = fmt.Errorf("sandbox: encode journal entry: %w", err)
		}
	}
	j.wake.Signal()
	return j.n
}

// wait returns when the entry at that position, and so every one before it, is durable.
func (j *journal) wait(pos uint64) error {
	for {
		j.mu.Lock()
		durable, err, done := j.durable, j.err, j.next
		if pos <= j.flying {
			done = j.current
		}
		j.mu.Unlock()
		switch {
		case pos <= durable:
			return nil
		case err != nil:
			return err
		}
		<-done
	}
}

// run is the committer: one write and one sync for everything that has gathered.
func (j *journal) run() {
	defer close(j.done)
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		for j.buf.Len() == frameHead && j.err == nil && !j.closing {
			j.wake.Wait()
		}
		if j.err == nil && j.buf.Len() == frameHead {
			j.err = ErrClosed
		}
		if j.err != nil {
			close(j.next)
			j.next = make(chan struct{})
			// Nobody waits on a channel that is made after err is set: wait looks at err first.
			return
		}
		full := j.buf
		j.buf, j.spare = j.spare, nil
		j.begin()
		j.flying = j.n
		j.current, j.next = j.next, make(chan struct{})
		frame := j.frame
		j.frame++
		j.mu.Unlock()

		err := j.write(full.Bytes(), frame)

		j.mu.Lock()
		j.spare = full
		if err != nil {
			j.err = fmt.Errorf("sandbox: write journal: %w", err)
		} else {
			j.durable = j.flying
		}
		close(j.current)
		j.current = make(chan struct{})
	}
}

func (j *journal) write(frame []byte, number uint64) error {
	payload := frame[frameHead:]
	if len(payload) > maxFrame {
		return errors.New("frame too large")
	}
	copy(frame, frameMagic)
	binary.BigEndian.PutUint32(frame[4:], uint32(len(payload)))
	binary.BigEndian.PutUint64(frame[8:], number)
	binary.BigEndian.PutUint32(frame[16:], frameSum(frame[4:16], payload))
	if _, err := j.file.Write(frame); err != nil {
		return err
	}
	return j.sync()
}

func frameSum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
}

// close syncs what was appended, stops the committer and closes the file.
func (j *journal) close() error {
	j.mu.Lock()
	j.closing = true
	j.wake.Signal()
	j.mu.Unlock()
	<-j.done
	j.mu.Lock()
	err := j.err
	j.mu.Unlock()
	if errors.Is(err, ErrClosed) {
		err = nil
	}
	return errors.Join(err, j.file.Close())
}
