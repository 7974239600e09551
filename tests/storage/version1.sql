PRAGMA application_id = 1262572623;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE answers (
            processor INTEGER NOT NULL,
            kind TEXT NOT NULL,          -- observation (key is a unique_id) or request (request id)
            ordinal INTEGER NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,        -- of what was asked
            fields TEXT NOT NULL,        -- {"model_name": "...", ...}
            stm_start INTEGER,           -- the short-term memory that the answer showed
            stm_end INTEGER,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL,
            PRIMARY KEY (processor, kind, ordinal)
        ) WITHOUT ROWID;
INSERT INTO "answers" VALUES(1,'observation',0,'u1','0c8ab09e1f4151036161b379d86b89ca9dc2c77485f1dcf0e50819f1ecd9e357','{"auto_learned_model":null,"bounded":false}',0,2,2,2.0);
INSERT INTO "answers" VALUES(1,'request',0,'r1','b3e88a693622b4065eb834f2d793c2aeafd2f1724e9d2847a76f9f1d1422eed9','{"old_values":{"persistence":5,"recall_threshold":0.1},"new_values":{"persistence":3,"recall_threshold":0.25}}',NULL,NULL,0,0.0);
INSERT INTO "answers" VALUES(1,'request',1,'r2','eab94cbb0c03b265dec2b87d44fe18ffdd0652000533b1ab764514a8dcc14e5f','{"model_name":"MODEL|4525a88d0f4e954a27741a43dcc76961ba7d5135"}',2,2,2,3.0);
INSERT INTO "answers" VALUES(1,'request',2,'r3','647c6be84b9e6b8b19129f046188287f12589a3c7a008381bb96f9eacbfc0ff4','{"unique_id":"made","auto_learned_model":null}',4,5,5,6.0);
CREATE TABLE deletions (
            ordinal INTEGER PRIMARY KEY,
            processor TEXT NOT NULL,     -- the id of a processor that was deleted
            key TEXT NOT NULL,           -- by the request with this id
            digest TEXT NOT NULL,
            fields TEXT NOT NULL,
            interval INTEGER NOT NULL,
            time_stamp REAL NOT NULL
        );
CREATE TABLE events (
            processor INTEGER NOT NULL,
            number INTEGER NOT NULL,
            event TEXT NOT NULL,         -- ["symbol", ...]
            PRIMARY KEY (processor, number)
        ) WITHOUT ROWID;
INSERT INTO "events" VALUES(1,0,'["VECTOR|b64043277a0b11afc1d95fbacc5cd51a1d83a510","a","é"]');
INSERT INTO "events" VALUES(1,1,'["b"]');
INSERT INTO "events" VALUES(1,4,'["VECTOR|84838cc3f82e61d03b42fea0046c60291fe94b0f","VECTOR|b64043277a0b11afc1d95fbacc5cd51a1d83a510","a","b"]');
CREATE TABLE models (
            processor INTEGER NOT NULL,
            name TEXT NOT NULL,
            sequence TEXT NOT NULL,      -- its events, [["symbol", ...], ...]
            frequency INTEGER NOT NULL,
            emotives TEXT NOT NULL,      -- the averages of its last learnings, [{"joy": 0.8}, ...]
            UNIQUE (processor, name)
        );
INSERT INTO "models" VALUES(1,'MODEL|4525a88d0f4e954a27741a43dcc76961ba7d5135','[["VECTOR|b64043277a0b11afc1d95fbacc5cd51a1d83a510","a","é"],["b"]]',7,'[{"joy":0.1}]');
INSERT INTO "models" VALUES(1,'MODEL|006664a9389eaf1098050c84794fd71962f300cd','[["c"],[""]]',1,'[]');
CREATE TABLE percepts (
            processor INTEGER PRIMARY KEY,
            observation TEXT,            -- the last one as accepted, {"strings": [...], ...}
            event TEXT NOT NULL          -- the last event, ["symbol", ...]
        );
INSERT INTO "percepts" VALUES(1,'{"strings":["a","b"],"vectors":[[1.0,2.0]],"emotives":{"fear":1e+308},"unique_id":"made","metadata":{}}','["VECTOR|84838cc3f82e61d03b42fea0046c60291fe94b0f","VECTOR|b64043277a0b11afc1d95fbacc5cd51a1d83a510","a","b"]');
CREATE TABLE processors (
            number INTEGER PRIMARY KEY,  -- what the other tables call it
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            genes TEXT NOT NULL,         -- {"classifier": "CVC", ...}
            interval INTEGER NOT NULL,
            stm_start INTEGER NOT NULL,  -- short-term memory: events.number from here
            stm_end INTEGER NOT NULL,    -- to before this
            emotives TEXT NOT NULL       -- {"joy": [times, sum in units of 2^-1074, in hex]}
        );
INSERT INTO "processors" VALUES(1,'p1','p1','{"classifier":"CVC","max_predictions":100,"recall_threshold":0.25,"min_prediction_symbols":2,"rank_by":"potential","max_sequence_length":0,"stm_mode":"TAIL","persistence":3,"sort":true,"process_predictions":true,"vector_neighbors":3,"vector_max_distance":null,"search_depth":10}',5,4,5,'{"fear":[1,"0x2399e70bd791400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"]}');
CREATE TABLE vectors (
            processor INTEGER NOT NULL,
            symbol TEXT NOT NULL,
            components BLOB NOT NULL,    -- each a little-endian float64
            learned INTEGER NOT NULL,    -- 0: it waits for the next learning
            UNIQUE (processor, symbol)
        );
INSERT INTO "vectors" VALUES(1,'VECTOR|b64043277a0b11afc1d95fbacc5cd51a1d83a510',X'000000000000E03F0000000000000080',1);
INSERT INTO "vectors" VALUES(1,'VECTOR|84838cc3f82e61d03b42fea0046c60291fe94b0f',X'000000000000F03F0000000000000040',0);
COMMIT;
