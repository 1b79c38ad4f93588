#!/bin/sh
# What webhook starts for a delivery, with DATABASE SALE EMAIL. Buyers can type
# these: the quotes in them are doubled.
quoted()
{
	printf "'%s'" "$(printf '%s' "$1" | sed "s/'/''/g")"
}
exec sqlite3 -cmd '.timeout 10000' "$1" "INSERT INTO sales
	(sale, email, received_at) VALUES ($(quoted "$2"), $(quoted "$3"),
	strftime('%s', 'now')) ON CONFLICT DO NOTHING"
