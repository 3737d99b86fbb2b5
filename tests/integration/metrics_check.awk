# Checks a file of metrics in Prometheus's text format (version 0.0.4) as strictly as its own parser: every line, every
# escape, each metric once with HELP and TYPE before its samples, no sample twice. Says what is wrong and ends with 1.
function wrong(what) {
	printf "%s:%d: %s: %s\n", FILENAME, FNR, what, $0
	bad = 1
}

/^# HELP / {
	if ($3 !~ /^[a-z_]+$/ || NF < 4)
		wrong("malformed HELP")
	if (helped[$3]++)
		wrong("metric begun twice")
	family = $3
	next
}
/^# TYPE / {
	if ($3 != family || NF != 4 || $4 != "gauge")
		wrong("TYPE does not go with HELP")
	typed[$3] = 1
	next
}
{
	name = $0
	sub(/[{ ].*$/, "", name)
	rest = substr($0, length(name) + 1)
	if (name != family || !typed[name])
		wrong("sample outside of its metric")
	if (sub(/^\{/, "", rest)) {
		while (match(rest, /^[a-z_]+="([^"\\]|\\\\|\\"|\\n)*"/)) {
			rest = substr(rest, RLENGTH + 1)
			if (!sub(/^,/, "", rest))
				break
		}
		if (!sub(/^\}/, "", rest))
			wrong("malformed labels")
	}
	if (rest !~ /^ -?[0-9]+(\.[0-9]+)?$/)
		wrong("malformed value")
	series = $0
	sub(/ [^ ]*$/, "", series)
	if (seen[series]++)
		wrong("sample given twice")
	samples++
}
END {
	if (!samples) {
		print "no samples"
		bad = 1
	}
	exit bad
}
