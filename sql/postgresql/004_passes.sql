-- From version 4 of the log tables on: passes that were taken back, and links
-- to sign in with that were used.

CREATE TABLE passes ( -- whose passes were taken back; others have no row
	-- user:42, email:…, buyer:gumroad:…, license:…
	who TEXT COLLATE "C" PRIMARY KEY,
	valid_from BIGINT NOT NULL, -- a pass made by then is good no more
	id BIGINT NOT NULL -- the newest row has the highest
);
CREATE INDEX passes_id ON passes (id);

CREATE TABLE links ( -- a link to sign in with that was used
	link TEXT COLLATE "C" PRIMARY KEY, -- a digest of it
	used_at BIGINT NOT NULL, -- the first time
	uses BIGINT NOT NULL,
	ends_at BIGINT NOT NULL -- then it is good no more, used or not
);
CREATE INDEX links_ends_at ON links (ends_at);
