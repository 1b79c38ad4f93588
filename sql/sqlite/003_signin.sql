-- From version 3 of the log tables on: links to sign in with, asked for by mail.
-- It holds an hour.

CREATE TABLE signins ( -- a link asked for by mail, within the last hour
	id INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	person TEXT, -- digest of the address; null: too often, or not known
	peer TEXT NOT NULL, -- digests of the networks it was asked from
	email TEXT -- null: it is settled whether a mail is sent
);
CREATE INDEX signins_at ON signins (at);
CREATE INDEX signins_person ON signins (person) WHERE person IS NOT NULL;
CREATE INDEX signins_peer ON signins (peer);
CREATE INDEX signins_open ON signins (id) WHERE email IS NOT NULL;
