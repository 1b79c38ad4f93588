-- The database was moved elsewhere: no program, running or not, writes to it.

CREATE TRIGGER moved_events BEFORE INSERT ON events
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
CREATE TRIGGER moved_repeats BEFORE UPDATE ON events
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
CREATE TRIGGER moved_changes BEFORE INSERT ON changes
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
CREATE TRIGGER moved_passes BEFORE INSERT ON passes
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
CREATE TRIGGER moved_outbox BEFORE UPDATE ON outbox
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
CREATE TRIGGER moved_readings BEFORE INSERT ON readings
BEGIN
	SELECT RAISE(ABORT,
		'this database was moved: change database in gatepost.conf');
END;
