-- The database was moved elsewhere: no program, running or not, writes to it.

CREATE OR REPLACE FUNCTION gatepost_moved() RETURNS trigger
LANGUAGE plpgsql AS $moved$
BEGIN
	RAISE 'this database was moved: change database in gatepost.conf';
END
$moved$;
CREATE TRIGGER moved BEFORE INSERT OR UPDATE ON events
	EXECUTE FUNCTION gatepost_moved();
CREATE TRIGGER moved BEFORE INSERT ON changes
	EXECUTE FUNCTION gatepost_moved();
CREATE TRIGGER moved BEFORE INSERT ON passes
	EXECUTE FUNCTION gatepost_moved();
CREATE TRIGGER moved BEFORE UPDATE ON outbox
	EXECUTE FUNCTION gatepost_moved();
CREATE TRIGGER moved BEFORE INSERT ON readings
	EXECUTE FUNCTION gatepost_moved();
