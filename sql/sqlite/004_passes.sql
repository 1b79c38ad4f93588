-- From version 4 of the log tables on: passes that were taken back, and links
-- to sign in with that were used.

CREATE TABLE passes ( -- whose passes were taken back; others have no row
	who TEXT PRIMARY KEY, -- user:42, email:…, buyer:gumroad:…, license:…
	valid_from INTEGER NOT NULL, -- a pass made by then is good no more
	id INTEGER NOT NULL -- the newest row has the highest
) WITHOUT ROWID;
CREATE INDEX passes_id ON passes (id);

CREATE TABLE links ( -- a link to sign in with that was used
	link TEXT PRIMARY KEY, -- a digest of it
	used_at INTEGER NOT NULL, -- the first time
	uses INTEGER NOT NULL,
	ends_at INTEGER NOT NULL -- then it is good no more, used or not
) WITHOUT ROWID;
CREATE INDEX links_ends_at ON links (ends_at);
