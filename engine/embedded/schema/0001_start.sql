-- Rows are appended in the order of accepting, so that a batch of payments shares pages. The one index with random
-- keys that every payment touches is the one on id. What is written once (base, request, frozen) stays out of the
-- table whose rows are rewritten.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE tenant (
  no   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- hot is what changes of a record, as CBOR; the columns before it repeat what is searched for.
CREATE TABLE operation (
  seq       INTEGER PRIMARY KEY,
  id        BLOB    NOT NULL,
  tenant    INTEGER NOT NULL,
  state     INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  created   INTEGER NOT NULL, -- ms since 1970
  ref       BLOB,             -- token of tenant and reference; NULL without a reference
  slot      INTEGER,          -- 0 for the one payment that holds ref, seq for the others
  due       INTEGER,          -- ms since 1970; NULL: not the janitor's business
  attention INTEGER,          -- 1 or NULL
  hot       BLOB    NOT NULL
);

CREATE UNIQUE INDEX operation_id ON operation (id);

-- One purchase, one holder: two payments with slot 0 cannot be stored for one reference.
CREATE UNIQUE INDEX operation_ref ON operation (ref, slot) WHERE ref IS NOT NULL;

CREATE INDEX operation_due ON operation (due) WHERE due IS NOT NULL;

CREATE INDEX operation_attention ON operation (attention) WHERE attention IS NOT NULL;

-- base is what does not change of a record, request what the app asked for (NULL: it is not known), as CBOR.
CREATE TABLE origin (
  seq     INTEGER PRIMARY KEY,
  base    BLOB NOT NULL,
  request BLOB
);

CREATE TABLE frozen (
  seq  INTEGER PRIMARY KEY,
  body BLOB NOT NULL
);

-- Who may see a message, and until when it is hidden, is known to the one writing process only. A row says that the
-- message is there, and how often it was delivered as far as that had to be remembered.
CREATE TABLE message (
  mid      INTEGER PRIMARY KEY,
  op       BLOB    NOT NULL,
  enqueued INTEGER NOT NULL, -- ms since 1970
  avail    INTEGER,          -- ms since 1970; NULL: at once
  receives INTEGER NOT NULL,
  trace    TEXT
);

CREATE INDEX message_avail ON message (avail) WHERE avail IS NOT NULL;

-- The feed. Positions grow in the order of commits and are never given twice.
CREATE TABLE event (
  pos    INTEGER PRIMARY KEY,
  tenant INTEGER NOT NULL,
  op     INTEGER NOT NULL, -- seq of its operation
  at     INTEGER NOT NULL, -- when it was appended, ms since 1970
  body   BLOB    NOT NULL
);

CREATE TABLE letter (
  no       INTEGER PRIMARY KEY,
  op       BLOB    NOT NULL,
  tenant   TEXT    NOT NULL,
  class    TEXT    NOT NULL,
  reason   TEXT    NOT NULL,
  opened   INTEGER NOT NULL, -- ms since 1970
  resolved INTEGER           -- ms since 1970; NULL while open
);

CREATE INDEX letter_open ON letter (op) WHERE resolved IS NULL;

CREATE TABLE tally (
  tenant INTEGER NOT NULL,
  state  INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  PRIMARY KEY (tenant, state)
) WITHOUT ROWID;

CREATE TABLE access_key (
  no        INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  hash      BLOB    NOT NULL UNIQUE,
  tenant    TEXT    NOT NULL,
  principal TEXT    NOT NULL,
  role      TEXT    NOT NULL,
  hint      TEXT    NOT NULL,
  created   INTEGER NOT NULL, -- ms since 1970
  revoked   INTEGER           -- ms since 1970
);
