-- What version 6 of the record wrote; never changed.
BEGIN TRANSACTION;
CREATE TABLE admissions (
        -- The task's number.
        task INTEGER PRIMARY KEY,
        -- Request, routes, hash of the prefix, first turn.
        admission TEXT NOT NULL
    );
INSERT INTO "admissions" VALUES(1,'{"request":{"id":"0199a000-0000-7000-8000-0000000000a1","run":"0199a000-0000-7000-8000-00000000000a","subagent_type":"worker","prompt":"p","description":null,"model":"sonnet","effort":null,"timeout":null,"turns_max":3,"cost_max":0.5,"priority":"normal","output":null},"routes":["scripted/sonnet"],"prefix":"abc","opening":{"user":{"parts":[]}},"prompt_follows":true}');
INSERT INTO "admissions" VALUES(2,'{"request":{"id":"0199a000-0000-7000-8000-0000000000b1","run":"0199a000-0000-7000-8000-00000000000b","subagent_type":"worker","prompt":"p","description":null,"model":"sonnet","effort":null,"timeout":null,"turns_max":3,"cost_max":0.5,"priority":"normal","output":null},"routes":["scripted/sonnet"],"prefix":"abc","opening":{"user":{"parts":[]}},"prompt_follows":true}');
CREATE TABLE owners (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pid INTEGER NOT NULL,
        space TEXT NOT NULL,
        started INTEGER NOT NULL,
        heartbeat_ms INTEGER NOT NULL
    , clock TEXT NOT NULL DEFAULT '', awake_ms INTEGER NOT NULL DEFAULT 0);
INSERT INTO "owners" VALUES(1,1,'gone',1,0,'',0);
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        begun_ms INTEGER NOT NULL,
        cwd TEXT NOT NULL,
        context TEXT NOT NULL
    );
INSERT INTO "runs" VALUES('0199a000-0000-7000-8000-00000000000a',1700000000000,'/w','{"model":null}');
INSERT INTO "runs" VALUES('0199a000-0000-7000-8000-00000000000b',1700000001000,'/w','');
CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        kind TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        step TEXT NOT NULL
    );
INSERT INTO "steps" VALUES(1,'0199a000-0000-7000-8000-0000000000a1','answered',1700000000500,'{"answered":{"assistant":{"parts":[{"type":"tool_call","id":"c1","name":"T","arguments":"{}"}],"state":{"format":"f","model":"m","items":[{"b": 1,"a":2}]}}}}');
CREATE TABLE tasks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        run TEXT NOT NULL,
        -- NULL: nobody works on it.
        owner INTEGER,
        agent TEXT NOT NULL,
        description TEXT,
        begun_ms INTEGER NOT NULL,
        -- Request, routes, hash of the prefix, first turn.
        totals TEXT,
        -- NULL: it has not ended.
        status TEXT,
        ended_ms INTEGER,
        report TEXT
    , sitting INTEGER NOT NULL DEFAULT 0, cancel_ms INTEGER, judge TEXT);
INSERT INTO "tasks" VALUES(1,'0199a000-0000-7000-8000-0000000000a1','0199a000-0000-7000-8000-00000000000a',1,'worker','a change',1700000000000,NULL,NULL,NULL,NULL,0,1700000000900,NULL);
INSERT INTO "tasks" VALUES(2,'0199a000-0000-7000-8000-0000000000b1','0199a000-0000-7000-8000-00000000000b',NULL,'worker',NULL,1700000001000,NULL,'completed',1700000002000,'{"result":"done"}',0,NULL,NULL);
CREATE TABLE trails (
        session TEXT NOT NULL,
        run TEXT NOT NULL,
        PRIMARY KEY (session, run)
    ) WITHOUT ROWID;
INSERT INTO "trails" VALUES('0199a000-0000-7000-8000-0000000000d1','0199a000-0000-7000-8000-00000000000b');
CREATE TABLE usage (
        task TEXT NOT NULL,
        sitting INTEGER NOT NULL,
        turn INTEGER NOT NULL,
        provider TEXT,
        model TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        cost_micro_usd INTEGER NOT NULL,
        PRIMARY KEY (task, sitting, turn)
    ) WITHOUT ROWID;
INSERT INTO "usage" VALUES('0199a000-0000-7000-8000-0000000000a1',0,1,'scripted','sonnet',100,20,0,0,5);
INSERT INTO "usage" VALUES('0199a000-0000-7000-8000-0000000000b1',0,1,'scripted','sonnet',200,40,0,0,7);
CREATE INDEX runs_begun ON runs (begun_ms);
CREATE INDEX tasks_run ON tasks (run);
CREATE INDEX steps_task ON steps (task);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('owners',1);
COMMIT;
PRAGMA user_version = 6;
