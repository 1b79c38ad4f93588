# Turns the SQL files into C: query.sql into an enum and one table of texts
# per database, the schema files into one string each.
#	awk -v part=header|source -f embed.awk query.sql FILE.sql …

function quote(s)
{
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\\n\""
}

function finish()
{
	if (piece != "") {
		sub(/\n$/, "", pieces[piece])
		piece = ""
	}
	if (name != "" && text[db, name] == "")
		fail("statement " name " is empty")
}

function fail(why)
{
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	failed = 1
	exit 1
}

FNR == 1 {
	finish()
	name = ""
	is_query = FILENAME ~ /query\.sql$/
	if (!is_query) {
		script = FILENAME
		sub(/^sql\//, "", script)
		sub(/\.sql$/, "", script)
		gsub(/[^a-z0-9]/, "_", script)
		scripts[++n_scripts] = script
	}
}

!is_query {
	body[script] = body[script] "\n\t" quote($0)
	next
}

/^-- let: / {
	finish()
	name = ""
	piece = $3
	pieces[piece] = ""
	next
}

/^-- name: / {
	finish()
	name = $3
	db = $4 == "" ? "any" : substr($4, 2)
	if (name !~ /^[a-z_]+$/ || (db != "any" && db != "postgresql"))
		fail("bad name line")
	if ((db, name) in text)
		fail(name " is given twice")
	text[db, name] = ""
	if (db == "any")
		names[++n] = name
	else if (!(("any", name) in text))
		fail(name " has no text of its own")
	next
}

/^[ \t]*$/ || /^--/ { next }

piece != "" {
	pieces[piece] = pieces[piece] $0 "\n"
	next
}

name == "" { fail("text before the first name") }

{
	line = $0
	while (match(line, /\{[a-z_]+\}/)) {
		which = substr(line, RSTART + 1, RLENGTH - 2)
		if (!(which in pieces))
			fail("no piece " which)
		line = substr(line, 1, RSTART - 1) pieces[which] \
		    substr(line, RSTART + RLENGTH)
	}
	k = split(line, lines, "\n")
	for (i = 1; i <= k; i++)
		add(lines[i])
}

function add(line)
{
	text[db, name] = text[db, name] "\n\t    " quote(line)
}

function header(    i)
{
	print "/* Made from sql/ by sql/embed.awk. */"
	print "#ifndef STORE_QUERY_H"
	print "#define STORE_QUERY_H\n"
	print "enum query {"
	for (i = 1; i <= n; i++)
		print "\tQUERY_" toupper(names[i]) ","
	print "\tQUERY__MAX\n};\n"
	print "extern const char *const query_names[QUERY__MAX];"
	print "extern const char *const query_sqlite[QUERY__MAX];"
	print "extern const char *const query_postgresql[QUERY__MAX];"
	for (i = 1; i <= n_scripts; i++)
		print "extern const char script_" scripts[i] "[];"
	print "\n#endif"
}

function table(which,    i, t)
{
	print "\nconst char *const query_" which "[QUERY__MAX] = {"
	for (i = 1; i <= n; i++) {
		t = which == "names" ? "\n\t    \"" names[i] "\"" \
		    : ((which, names[i]) in text) ? text[which, names[i]] \
		    : text["any", names[i]]
		print "\t[QUERY_" toupper(names[i]) "] =" t ","
	}
	print "};"
}

END {
	if (failed)
		exit 1
	finish()
	if (part == "header") {
		header()
		exit 0
	}
	print "/* Made from sql/ by sql/embed.awk. */"
	print "#include \"store/query.h\""
	table("names")
	table("sqlite")
	table("postgresql")
	for (i = 1; i <= n_scripts; i++)
		print "\nconst char script_" scripts[i] "[] =" \
		    body[scripts[i]] ";"
}
