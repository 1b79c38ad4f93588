-- A database that was moved elsewhere takes writes again.

DROP TRIGGER IF EXISTS moved_events;
DROP TRIGGER IF EXISTS moved_repeats;
DROP TRIGGER IF EXISTS moved_changes;
DROP TRIGGER IF EXISTS moved_passes;
DROP TRIGGER IF EXISTS moved_outbox;
DROP TRIGGER IF EXISTS moved_readings;
