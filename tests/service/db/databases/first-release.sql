BEGIN TRANSACTION;
CREATE TABLE client_tokens (
	operation VARCHAR(64) NOT NULL,
	token VARCHAR(64) NOT NULL,
	fingerprint VARCHAR(64) NOT NULL,
	response TEXT NOT NULL,
	created_at DOUBLE NOT NULL,
	PRIMARY KEY (operation, token)
);
CREATE TABLE domains (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	domain_id VARCHAR(22) NOT NULL,
	name VARCHAR(256) NOT NULL,
	description VARCHAR(1024),
	status VARCHAR(16) NOT NULL,
	kms_key_id VARCHAR(2048) NOT NULL,
	old_kms_key_id VARCHAR(2048),
	default_watchlist_id VARCHAR(22) NOT NULL,
	speaker_count INTEGER NOT NULL,
	created_at DOUBLE NOT NULL,
	updated_at DOUBLE NOT NULL,
	deleted_at DOUBLE,
	UNIQUE (domain_id)
);
INSERT INTO "domains" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaa','sandbox',NULL,'ACTIVE','alias/voiceid-optout-sandbox',NULL,'5JdVQiXV6s1zNWk4AK6H4b',2,1800000000.0,1800000000.0,NULL);
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','1');
INSERT INTO "meta" VALUES('token_key','0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE speakers (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	domain_id VARCHAR(22) NOT NULL,
	customer_id VARCHAR(256) NOT NULL,
	generated_id VARCHAR(25) NOT NULL,
	status VARCHAR(16) NOT NULL,
	created_at DOUBLE NOT NULL,
	updated_at DOUBLE NOT NULL,
	last_accessed_at DOUBLE,
	UNIQUE (domain_id, customer_id),
	UNIQUE (domain_id, generated_id)
);
INSERT INTO "speakers" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaa','caller-0','id#7JslMTwIUvbozk71hCXKwa','OPTED_OUT',1800000000.0,1800000000.0,NULL);
INSERT INTO "speakers" VALUES(2,'aaaaaaaaaaaaaaaaaaaaaa','caller-1','id#CTuMpv1xUeEIvQ8ZV1Tl1g','OPTED_OUT',1800000000.0,1800000000.0,NULL);
CREATE TABLE tags (
	domain_id VARCHAR(22) NOT NULL,
	"key" VARCHAR(128) NOT NULL,
	value VARCHAR(256) NOT NULL,
	PRIMARY KEY (domain_id, "key")
);
INSERT INTO "tags" VALUES('aaaaaaaaaaaaaaaaaaaaaa','team','privacy');
CREATE INDEX speakers_in_order ON speakers (domain_id, sequence);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('domains',1);
INSERT INTO "sqlite_sequence" VALUES('speakers',3);
COMMIT;
