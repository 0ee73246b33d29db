-- The ledger's tables as format 1 had them. Frozen: what a file of that format looks like does not change.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE responses (
  request_key TEXT NOT NULL, attempt BIGINT NOT NULL, is_accepted BOOLEAN NOT NULL, prompt TEXT NOT NULL,
  prompt_hash TEXT NOT NULL, doc_id TEXT NOT NULL, text_sha256 TEXT NOT NULL, scorer TEXT, model TEXT,
  sample BIGINT NOT NULL, epoch BIGINT NOT NULL, status TEXT NOT NULL, attributes TEXT, rationale TEXT,
  input_tokens BIGINT, output_tokens BIGINT, cache_read_tokens BIGINT, cache_write_tokens BIGINT,
  cost_nano_usd BIGINT, request_id TEXT, batch_id TEXT, latency_ms DOUBLE PRECISION, created_at TIMESTAMP NOT NULL,
  error TEXT, note TEXT, revision BIGINT NOT NULL, PRIMARY KEY (request_key, attempt)
);
CREATE UNIQUE INDEX one_accepted_answer_a_key ON responses (request_key) WHERE is_accepted;
CREATE INDEX responses_of_prompt ON responses (prompt_hash, epoch);
CREATE INDEX responses_by_time ON responses (created_at, cost_nano_usd);
CREATE INDEX responses_of_batch ON responses (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX responses_by_revision ON responses (revision);
CREATE TABLE batches (
  token TEXT PRIMARY KEY, batch_id TEXT, prompt TEXT NOT NULL, prompt_hash TEXT NOT NULL, epoch BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL, is_collected BOOLEAN NOT NULL, worst_nano_usd BIGINT NOT NULL,
  requests TEXT NOT NULL, note TEXT, revision BIGINT NOT NULL
);
CREATE INDEX batches_not_collected ON batches (prompt_hash) WHERE NOT is_collected;
CREATE TABLE runs (
  run_id TEXT NOT NULL, prompt TEXT NOT NULL, prompt_hash TEXT, scorer TEXT, epoch BIGINT,
  started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, asked BIGINT, reused BIGINT, refused BIGINT, failed BIGINT,
  cost_nano_usd BIGINT, outcome TEXT, error TEXT, revision BIGINT NOT NULL, PRIMARY KEY (run_id, prompt)
);
CREATE TABLE corrections (
  request_key TEXT NOT NULL, attempt BIGINT NOT NULL, corrected_at TIMESTAMP NOT NULL, reason TEXT NOT NULL,
  before TEXT NOT NULL, after TEXT NOT NULL, revision BIGINT NOT NULL
);
CREATE TABLE assumed_costs (
  prompt TEXT NOT NULL, prompt_hash TEXT NOT NULL, cost_nano_usd BIGINT NOT NULL, created_at TIMESTAMP NOT NULL,
  reason TEXT NOT NULL
);
CREATE TABLE reservations (
  prompt_hash TEXT PRIMARY KEY, prompt TEXT NOT NULL, reserved_nano_usd BIGINT NOT NULL, requests BIGINT NOT NULL
);
