-- A database that was moved elsewhere takes writes again.

DROP TRIGGER IF EXISTS moved ON events;
DROP TRIGGER IF EXISTS moved ON changes;
DROP TRIGGER IF EXISTS moved ON passes;
DROP TRIGGER IF EXISTS moved ON outbox;
DROP TRIGGER IF EXISTS moved ON readings;
