-- athlete.db as the first version that could sign in wrote it (format 9), without its tokens and its ride.
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    facts TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    sealed BLOB
) STRICT;
CREATE TABLE auth_journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    before_state TEXT NOT NULL,
    after_state TEXT NOT NULL
) STRICT;
CREATE TABLE lane (
    lane TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE budget (
    origin TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE ride (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    plan_item_id TEXT,
    simulated INTEGER NOT NULL CHECK (simulated IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('open', 'finished')),
    finished_at INTEGER,
    exported INTEGER NOT NULL DEFAULT 0 CHECK (exported IN (0, 1)),
    digest TEXT,
    header TEXT NOT NULL,
    summary TEXT,
    fit BLOB,
    CHECK (state = 'open'
        OR (finished_at IS NOT NULL AND digest IS NOT NULL AND summary IS NOT NULL AND fit IS NOT NULL))
) STRICT;
CREATE INDEX ride_by_start ON ride (state, started_at);
CREATE INDEX ride_by_plan_item ON ride (plan_item_id) WHERE plan_item_id IS NOT NULL;
CREATE TRIGGER ride_is_frozen BEFORE UPDATE OF id, account, state, finished_at, digest, fit ON ride
WHEN old.state = 'finished'
BEGIN
    SELECT raise(ABORT, 'a finished ride never changes');
END;
CREATE TABLE ride_sample (
    ride INTEGER NOT NULL REFERENCES ride (key),
    second INTEGER NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    power INTEGER,
    target INTEGER,
    cadence INTEGER,
    heart_rate INTEGER,
    speed REAL,
    PRIMARY KEY (ride, second)
) STRICT, WITHOUT ROWID;
CREATE TABLE ride_event (
    seq INTEGER PRIMARY KEY,
    ride INTEGER NOT NULL REFERENCES ride (key),
    at INTEGER NOT NULL,
    second INTEGER NOT NULL,
    event TEXT NOT NULL,
    UNIQUE (ride, at, second, event)
) STRICT;
CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    created INTEGER NOT NULL,
    claims INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'in_flight', 'delivered', 'parked')),
    reason TEXT,
    last_error TEXT,
    receipt TEXT,
    delivered_at INTEGER,
    parked_version TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_by_due ON outbox (account, kind, state, due, created, id);
CREATE TRIGGER outbox_keeps_undelivered BEFORE DELETE ON outbox WHEN old.state <> 'delivered'
BEGIN
    SELECT raise(ABORT, 'an undelivered entry is never deleted');
END;
CREATE TABLE own_workout (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    workout TEXT NOT NULL,
    source TEXT NOT NULL,
    imported_at INTEGER NOT NULL
) STRICT;
INSERT INTO session (id, facts, generation) VALUES (1, '{"account":{"issuer":"http://127.0.0.1:18787","subject":"9869fbf6-9587-4d61-b431-13b534ca78f4","name":"Demo Rider"},"arriving":null,"signed_out":false,"signing_in":false,"wrong_account":false,"tokens":{"generation":1,"fingerprint":"72a5837df5f36fd9","access":{"from":1795181298000,"life":900000},"refresh_until":null},"unsaved":null,"access_in_memory":true,"anchor":{"server":1795181298000,"at":{"wall":1795181299028,"boot":3127776,"boot_id":"an-earlier-boot"},"offline_grace":null},"mark":null,"condemned":null,"intent":null,"vault":"ready","network":"up","trouble":{"transport":"refused"},"unauthorized":null,"riding":null}', 1);
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (1, 1795181257618, '{"launched":{"vault":"ready","ride_open":false}}', 'signed_out', 'signed_out');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (2, 1795181257625, '{"network_changed":"up"}', 'signed_out', 'signed_out');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (3, 1795181284492, '"sign_in_started"', 'signed_out', 'signing_in');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (4, 1795181298972, '{"sign_in_completed":{"account":{"issuer":"http://127.0.0.1:18787","subject":"9869fbf6-9587-4d61-b431-13b534ca78f4","name":"Demo Rider"}}}', 'signing_in', 'signing_in');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (5, 1795181316220, '"ride_began"', 'active', 'active');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (6, 1795181333693, '"ride_ended"', 'active', 'active');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (7, 1795181333706, '{"call_failed":{"transport":"refused"}}', 'active', 'offline');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (8, 1795181334520, '{"call_failed":{"transport":"refused"}}', 'offline', 'offline');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (9, 1795181335972, '{"call_failed":{"transport":"refused"}}', 'offline', 'offline');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (10, 1795181337799, '{"call_failed":{"transport":"refused"}}', 'offline', 'offline');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (11, 1795181344627, '{"call_failed":{"transport":"refused"}}', 'offline', 'offline');
INSERT INTO auth_journal (seq, at, event, before_state, after_state) VALUES (12, 1795181346886, '{"call_failed":{"transport":"refused"}}', 'offline', 'offline');
INSERT INTO lane (lane, state) VALUES ('issuer', '{"address":"http://127.0.0.1:18787","metadata":{"issuer":"http://127.0.0.1:18787","authorization_endpoint":"http://127.0.0.1:18787/oauth/authorize","token_endpoint":"http://127.0.0.1:18787/oauth/token","jwks_uri":"http://127.0.0.1:18787/oauth/jwks","revocation_endpoint":"http://127.0.0.1:18787/oauth/revoke","id_token_signing_alg_values_supported":["ES256"],"response_types_supported":["code"],"response_modes_supported":["query"],"grant_types_supported":["authorization_code","refresh_token"],"subject_types_supported":["public"],"scopes_supported":["openid","profile","offline_access","freewheel"],"claims_supported":["iss","sub","aud","iat","exp","nonce","name"],"token_endpoint_auth_methods_supported":["none"],"revocation_endpoint_auth_methods_supported":["none"],"code_challenge_methods_supported":["S256"],"authorization_response_iss_parameter_supported":true},"keys":{"keys":[{"use":"sig","alg":"ES256","kid":"_iiibsQqk5asfvNHTtDlgCH5Px57k3mLDL0flg2gAjc","kty":"EC","crv":"P-256","x":"alKQbM8viNOfVt9sPsm-tJS-__PuAIAtKiV2Ejs6gcM","y":"d7EHpzxpv67pASXAuH72QU8uuM6dvhow7B7OKcrZjJo"}]},"keys_at":1795181298970}');
INSERT INTO lane (lane, state) VALUES ('library', '{"plan":{"made":1795181299232,"due":1795182111257,"reason":"idle"},"attempt":0,"last_success":1795181299230,"waits_for_session":false}');
INSERT INTO lane (lane, state) VALUES ('reach http://127.0.0.1:18787', '{"loopback":true,"system":"unknown","service":{"unreachable":{"since":1795181333707,"trouble":{"transport":"refused"}}}}');
INSERT INTO lane (lane, state) VALUES ('reach none', '{"loopback":false,"system":"up","service":"unknown"}');
INSERT INTO lane (lane, state) VALUES ('rides', '{"plan":{"made":1795181346887,"due":1795181366842,"reason":"backoff"},"attempt":6,"last_success":1795181299088,"waits_for_session":false}');
INSERT INTO lane (lane, state) VALUES ('rides-confirmed-at', '1795181299087');
INSERT INTO lane (lane, state) VALUES ('session', '{"plan":{"made":1795181298976,"due":null,"reason":"idle"},"attempt":0,"last_success":null,"waits_for_session":false}');
INSERT INTO budget (origin, state) VALUES ('http://127.0.0.1:18787', '{"credit":12973180,"at":1795181346885}');
PRAGMA user_version = 9;
