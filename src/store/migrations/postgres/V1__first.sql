-- The same tables and columns as SQLite's. Text is compared by bytes ("C"), as in the program: one order of keys everywhere, and
-- the order in which rows are locked.
--
-- Orders and everything that is keyed by an order's id lie in partitions by month: an id begins with its time, so a month is a range
-- of ids. Months are made ahead (src/store/postgres/months.rs); what belongs to none lies in *_other. A month is dropped as a whole.

CREATE TABLE orders (
  id TEXT COLLATE "C" PRIMARY KEY,
  merchant_id TEXT COLLATE "C" NOT NULL,
  merchant_order_no TEXT COLLATE "C" NOT NULL,
  fingerprint BYTEA NOT NULL,
  livemode BIGINT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  method TEXT NOT NULL,
  facts TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  status TEXT NOT NULL,
  account TEXT NOT NULL,
  channel TEXT NOT NULL,
  winner BIGINT,
  intent TEXT,
  failure TEXT,
  paid_at BIGINT,
  closed_at BIGINT,
  version BIGINT NOT NULL,
  last_seq BIGINT NOT NULL,
  suspended BIGINT NOT NULL DEFAULT 0,
  wake_at BIGINT,
  CHECK ((status = 'paid') = (winner IS NOT NULL))
) PARTITION BY RANGE (id);
CREATE INDEX orders_of_merchant ON orders (merchant_id, id);
CREATE INDEX orders_due ON orders (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX orders_suspended ON orders (id) WHERE suspended = 1;
CREATE TABLE orders_other PARTITION OF orders DEFAULT;

CREATE TABLE attempts (
  order_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  account TEXT NOT NULL,
  channel TEXT NOT NULL,
  status TEXT NOT NULL,
  amount BIGINT NOT NULL,
  captured BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  refunding BIGINT NOT NULL,
  late BIGINT NOT NULL,
  at BIGINT NOT NULL,
  next_at BIGINT,
  queries BIGINT NOT NULL,
  undo TEXT,
  undo_sent_at BIGINT,
  ended_at BIGINT,
  suspended BIGINT NOT NULL,
  notes TEXT NOT NULL,
  PRIMARY KEY (order_id, seq),
  CHECK (refunded >= 0 AND refunding >= 0 AND refunded + refunding <= captured AND captured <= amount),
  CHECK ((status = 'succeeded') = (captured > 0))
) PARTITION BY RANGE (order_id);
CREATE TABLE attempts_other PARTITION OF attempts DEFAULT;

CREATE TABLE refunds (
  order_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  attempt_seq BIGINT NOT NULL,
  merchant_refund_no TEXT,
  fingerprint BYTEA NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  status TEXT NOT NULL,
  pending_reason TEXT NOT NULL,
  origin TEXT NOT NULL,
  at BIGINT NOT NULL,
  sent_at BIGINT,
  sends BIGINT NOT NULL,
  next_at BIGINT,
  queries BIGINT NOT NULL,
  version BIGINT NOT NULL,
  succeeded_at BIGINT,
  notes TEXT NOT NULL,
  PRIMARY KEY (order_id, seq)
) PARTITION BY RANGE (order_id);
CREATE TABLE refunds_other PARTITION OF refunds DEFAULT;

-- The trail: append-only.
CREATE TABLE events (
  order_id TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  "inner" TEXT,
  PRIMARY KEY (order_id, seq)
) PARTITION BY RANGE (order_id);
CREATE TABLE events_other PARTITION OF events DEFAULT;

-- The outbox.
CREATE TABLE notices (
  event_id TEXT COLLATE "C" PRIMARY KEY,
  order_id TEXT COLLATE "C" NOT NULL,
  merchant_id TEXT COLLATE "C" NOT NULL,
  kind TEXT NOT NULL,
  at BIGINT NOT NULL,
  data TEXT NOT NULL,
  status TEXT NOT NULL,
  tries BIGINT NOT NULL,
  next_at BIGINT,
  last TEXT
) PARTITION BY RANGE (event_id);
CREATE INDEX notices_due ON notices (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_waiting ON notices (merchant_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notices_parked ON notices (merchant_id, event_id) WHERE status = 'parked';
CREATE TABLE notices_other PARTITION OF notices DEFAULT;

-- Merchants' own numbers: each names one order or refund for ever.
CREATE TABLE claims (
  merchant_id TEXT COLLATE "C" NOT NULL,
  kind BIGINT NOT NULL,
  number TEXT COLLATE "C" NOT NULL,
  target TEXT NOT NULL,
  fingerprint BYTEA NOT NULL,
  PRIMARY KEY (merchant_id, kind, number)
);

-- Used nonces, by five minutes of their signed time, so that they are dropped by range.
CREATE TABLE nonces (
  bucket BIGINT NOT NULL,
  key_id TEXT COLLATE "C" NOT NULL,
  nonce TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (bucket, key_id, nonce)
);

-- Administration: merchants, keys, bindings, stores, account states, channel keys. Secrets in doc are sealed.
CREATE TABLE records (
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  doc TEXT NOT NULL,
  PRIMARY KEY (kind, id)
);

CREATE TABLE audit (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at BIGINT NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  act TEXT NOT NULL,
  about TEXT NOT NULL,
  detail TEXT NOT NULL
);

-- One row for each writer of each node, changed first in every transaction: after a lost connection it tells whether the last batch
-- was committed. batch_no is the writer's own count.
CREATE TABLE writers (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  batch_no BIGINT NOT NULL,
  settled BIGINT NOT NULL DEFAULT 0,
  seen_at TIMESTAMPTZ NOT NULL DEFAULT now()
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Append-only: no statement of ours updates or deletes here, and the triggers refuse anybody's. A month is dropped, not deleted from.
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_ARGV[0];
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION append_only('the audit log');
-- For each row, because only such triggers hold in every month too.
CREATE TRIGGER events_append_only BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION append_only('the trail');

-- Ends the transaction when a statement changed another number of rows than it was given: the COMMIT is sent together with the writes.
CREATE FUNCTION must_be(changed BIGINT, expected BIGINT, what TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  IF changed <> expected THEN
    RAISE EXCEPTION '%: % rows changed where % were expected', what, changed, expected USING ERRCODE = 'SL001';
  END IF;
END $$;
