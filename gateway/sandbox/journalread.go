package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// readJournal applies every entry of a journal file. end is where the last whole frame ends, or 0 if not even the header
// is whole; frames is how many there are.
func readJournal(file *os.File, apply func(*entry)) (end int64, frames uint64, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, 0, err
	}
	in := bufio.NewReaderSize(file, 1<<20)
	header := make([]byte, len(journalHeader))
	n, err := io.ReadFull(in, header)
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		// A crash may have come before the header was synced; nothing was acknowledged then.
		if bytes.HasPrefix([]byte(journalHeader), header[:n]) || allZero(header[:n]) {
			return 0, 0, nil
		}
		return 0, 0, ErrNotJournal
	case err != nil:
		return 0, 0, err
	case string(header) != journalHeader:
		return 0, 0, ErrNotJournal
	}
	end = int64(len(journalHeader))
	for {
		payload, whole, err := readFrame(in, frames)
		if err != nil {
			return 0, 0, err
		}
		if !whole {
			return end, frames, checkTail(file, end)
		}
		if err := applyFrame(payload, apply); err != nil {
			return 0, 0, fmt.Errorf("%w: frame %d at byte %d: %w", ErrCorrupt, frames, end, err)
		}
		end += int64(frameHead + len(payload))
		frames++
	}
}

// readFrame reads one frame. whole is false at the end of the file and at anything that is not the frame of that number.
func readFrame(in io.Reader, number uint64) (payload []byte, whole bool, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, false, ended(err)
	}
	size := binary.BigEndian.Uint32(head[4:])
	if string(head[:4]) != frameMagic || size > maxFrame || binary.BigEndian.Uint64(head[8:]) != number {
		return nil, false, nil
	}
	// Grown as it is read: a size out of a torn head must not be allocated on trust.
	var body bytes.Buffer
	if _, err := io.CopyN(&body, in, int64(size)); err != nil {
		return nil, false, ended(err)
	}
	payload = body.Bytes()
	return payload, binary.BigEndian.Uint32(head[16:]) == frameSum(head[4:16], payload), nil
}

// ended makes nothing of the end of the file and keeps real errors.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func applyFrame(payload []byte, apply func(*entry)) error {
	for len(payload) > 0 {
		e := new(entry)
		rest, err := entryMode.UnmarshalFirst(payload, e)
		if err != nil {
			return err
		}
		apply(e)
		payload = rest
	}
	return nil
}

// checkTail tells a torn end from damage in the middle. Frames are synced one after the other, so after a torn frame
// there is no whole one.
func checkTail(file *os.File, from int64) error {
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err
	}
	tail, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	for at := 1; at < len(tail); at++ {
		step := bytes.Index(tail[at:], []byte(frameMagic))
		if step < 0 {
			return nil
		}
		at += step
		if wholeFrame(tail[at:]) {
			return fmt.Errorf("%w: the bytes from %d to %d are damaged and whole entries follow them", ErrCorrupt, from, from+int64(at))
		}
	}
	return nil
}

func wholeFrame(b []byte) bool {
	if len(b) < frameHead {
		return false
	}
	size := int64(binary.BigEndian.Uint32(b[4:]))
	if size > maxFrame || int64(len(b)) < frameHead+size {
		return false
	}
	return binary.BigEndian.Uint32(b[16:]) == frameSum(b[4:16], b[frameHead:frameHead+size])
}

func allZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
