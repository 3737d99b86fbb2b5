# An independent reader of thin manifests in the plain layout that the Kubernetes project writes, to
# check cip's counts and findings against: no YAML, only lines and a few patterns. A line that it does
# not know ends it, so that it cannot agree by accident.
#
#	awk -f count_manifests.awk MANIFESTS... IMAGES...
#
# with paths that end in manifests/PROJECT/promoter-manifest.yaml and images/PROJECT/images.yaml, all of
# the first kind first. Prints "NAME COUNT" lines, and "FILE:LINE malformed WHAT" or "overlap WHAT" for what
# is wrong; paths begin at "images/".

function unknown() {
	printf "%s:%d: this is no line that a plain manifest has: %s\n", FILENAME, FNR, $0 > "/dev/stderr"
	stopped = 1
	exit 1
}

function unquote(text) {
	sub(/^[ \t]+/, "", text)
	sub(/[ \t]+$/, "", text)
	if (text ~ /^".*"$/ || text ~ /^'.*'$/)
		text = substr(text, 2, length(text) - 2)
	return text
}

function project_of(path, parts, count) {
	count = split(path, parts, "/")
	return parts[count - 1]
}

function place() {
	path = FILENAME
	sub(/^.*images\//, "images/", path)
	return path ":" FNR
}

function end_registry() {
	if (registry == "")
		return
	if (is_source)
		source[project] = registry
	else
		destination[project, ++destinations[project]] = registry
	registry = ""
	is_source = 0
}

# An edge for every destination; the same one declared twice is one.
function declare(tag, i, repository, key) {
	for (i = 1; i <= destinations[project]; i++) {
		repository = destination[project, i] "/" image
		key = repository "@" digest ":" tag
		if (!(key in edge)) {
			edge[key] = 1
			edges++
		}
		if (!(repository in seen_repository)) {
			seen_repository[repository] = 1
			repositories++
		}
		if (!(repository "@" digest in seen_pair)) {
			seen_pair[repository "@" digest] = 1
			pairs++
		}
		if (tag == "")
			continue
		if ((repository ":" tag) in owner && owner[repository ":" tag] != digest)
			overlaps[repository ":" tag] = 1
		owner[repository ":" tag] = digest
	}
}

function end_digest() {
	if (digest == "")
		return
	if (well_formed && tags_here == 0)
		declare("")
	digest = ""
}

function add_tag(tag) {
	tags++
	tags_here++
	if (tag !~ /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ || length(tag) > 128) {
		print place() " malformed " tag
		return
	}
	if (well_formed)
		declare(tag)
}

function add_tags(list, parts, count, i) {
	if (list !~ /\]/)
		unknown()
	sub(/\].*$/, "", list)
	if (list ~ /^[ \t]*$/)
		return
	count = split(list, parts, ",")
	for (i = 1; i <= count; i++)
		if (unquote(parts[i]) != "")
			add_tag(unquote(parts[i]))
}

function begin_digest(text, rest) {
	end_digest()
	digest = text
	digests++
	tags_here = 0
	well_formed = text ~ /^sha256:[0-9a-f]+$/ && length(text) == 71
	if (!well_formed) {
		quarantined += destinations[project]
		print place() " malformed " text
	}
	if (well_formed && !((source[project] "/" image) in seen_source)) {
		seen_source[source[project] "/" image] = 1
		sources++
	}
	if (rest ~ /^[ \t]*\[/) {
		sub(/^[ \t]*\[/, "", rest)
		add_tags(rest)
		end_digest()
	} else if (rest !~ /^[ \t]*$/)
		unknown()
}

{
	sub(/\r$/, "")
	sub(/(^|[ \t]+)#.*$/, "")
}

FNR == 1 {
	end_registry()
	end_digest()
	in_images = FILENAME ~ /\/images\.yaml$/
	project = project_of(FILENAME)
	if (!in_images)
		projects++
	# Images that no project names are not read.
	ignored = in_images && !(project in source)
	image = ""
}

ignored || /^[ \t]*$/ || /^---$/ {
	next
}

!in_images && /^registries:/ { next }
!in_images && /^imagesPath:/ { next }
!in_images && /^ *(- )? *name: / {
	end_registry()
	registry = unquote(substr($0, index($0, "name:") + 5))
	next
}
!in_images && /^ *src: true$/ {
	is_source = 1
	next
}
!in_images && /^ *service-account: / { next }
!in_images { unknown() }

/^ *- name:/ {
	end_digest()
	image = unquote(substr($0, index($0, "name:") + 5))
	images++
	next
}
/^ *dmap: *({} *)?$/ { next }
/^ *["']?[A-Za-z0-9+._-]+:[0-9A-Za-z]+["']?:/ {
	match($0, /^ *["']?[A-Za-z0-9+._-]+:[0-9A-Za-z]+["']?:/)
	begin_digest(unquote(substr($0, 1, RLENGTH - 1)), substr($0, RLENGTH + 1))
	next
}
digest != "" && /^ +- / {
	add_tag(unquote(substr($0, index($0, "-") + 1)))
	next
}
{ unknown() }

END {
	if (stopped)
		exit 1
	end_registry()
	end_digest()
	for (claim in overlaps)
		print "overlap " claim
	print "projects " projects + 0
	print "images " images + 0
	print "digests " digests + 0
	print "tags " tags + 0
	print "edges " edges + 0
	print "pairs " pairs + 0
	print "quarantined " quarantined + 0
	print "repositories " repositories + 0
	print "sources " sources + 0
}
