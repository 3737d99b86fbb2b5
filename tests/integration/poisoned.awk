# A tree in which every second entry is poisoned, for converge_poisoned.sh. Twice over the same entries: with
# phase=manifests it writes the manifests into DIR; with phase=tree it reads "DIGEST  DIR/NAME" lines of them and writes
#	DIR.images	the images file		DIR.wanted	LINE KIND of what is poisoned
#	DIR.good	IMAGE TAG DIGEST	DIR.source, DIR.target	fault rules of both registries
#	DIR.upload	what curl is to send to the source, DIR.move the tags that are in the way at the target
# Further variables: apps, source and target (hosts), config and layer (DIGEST SIZE), other (a manifest that is at the
# target).
BEGIN {
	list = "short short short short upper upper upper algorithm algorithm algorithm blank blank blank blank"
	list = list " reserved reserved reserved reserved overlap overlap overlap overlap overlap overlap move move move"
	list = list " move move lost lost lost lost lost no-blob no-blob no-blob no-blob flipped flipped flipped giant giant"
	list = list " source-403 source-403 source-403 target-403 target-403 target-403 schema-1"
	kinds = split(list, kind_of, " ")
	type = "application/vnd.oci.image.manifest.v1+json"
	split(config, c, " ")
	split(layer, l, " ")
	if (phase == "manifests")
		for_all()
}

phase == "tree" {
	sub(".*/", "", $2)
	digest["/" $2] = "sha256:" $1
}

END {
	if (phase == "tree")
		for_all()
}

function for_all(    a, i) {
	for (a = 0; a < apps; a++) {
		if (phase == "tree")
			say("- name: app" a "\n  dmap:")
		line += phase == "tree" ? 2 : 0
		for (i = 1; i <= kinds; i++) {
			entry(a, i, "good")
			entry(a, i, kind_of[i])
		}
	}
}

function say(text) { print text > (dir ".images") }

function entry(a, i, kind,    name) {
	name = a "-" i "-" kind
	if (phase == "manifests")
		manifest(name, kind)
	else
		declare(a, i, kind, name)
}

function manifest(name, kind,    blob) {
	blob = kind == "no-blob" ? sprintf("sha256:%064d", 1) : l[1]
	if (kind == "schema-1")
		printf("{\"schemaVersion\":1,\"name\":\"a\",\"tag\":\"%s\",\"fsLayers\":[],\"history\":[]}", name) > (dir "/" name)
	else
		printf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\"," \
		"\"size\":%d,\"digest\":\"%s\"},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\"," \
		"\"size\":%d,\"digest\":\"%s\"}],\"annotations\":{\"name\":\"%s\"}}", type, c[2], c[1], l[2], blob, name) > (dir "/" name)
	close(dir "/" name)
}

function upload(host, repository, reference, file, out) {
	printf("%surl = \"http://%s/v2/%s/manifests/%s\"\nrequest = PUT\nheader = \"Content-Type: %s\"\ndata-binary = \"@%s\"\n" \
		"output = /dev/null\nsilent\nfail\n", uploads[out]++ ? "next\n" : "", host, repository, reference, type, file) > out
}

function rule(out, method, path, action) { print method, path, "1+", action > out }

function declare(a, i, kind, name,    d, tag, manifests) {
	d = digest["/" name]
	tag = kind "-" i
	manifests = "/v2/staging/app" a "/manifests/" d
	line++
	if (kind == "good")
		print "app" a, tag, d > (dir ".good")
	else
		print line, kind > (dir ".wanted")
	if (kind == "short")
		sub(".$", "", d)
	else if (kind == "upper")
		d = "sha256:" toupper(substr(d, 8, 63)) "F"
	else if (kind == "algorithm")
		d = substr(d, 2)
	else if (kind == "blank")
		tag = "v 1"
	else if (kind == "reserved")
		tag = "sha256-" substr(d, 8) ".sig"
	else if (kind == "overlap")
		tag = kind "-" int((i + 1) / 2)
	if (kind == "move")
		upload(target, "prod/app" a, tag, other, dir ".move")
	else if (kind == "flipped")
		rule(dir ".source", "*", manifests, "flip-bit")
	else if (kind == "giant")
		rule(dir ".source", "*", manifests, "gigabyte")
	else if (kind == "source-403")
		rule(dir ".source", "*", manifests, "status 403")
	else if (kind == "no-blob" || kind == "schema-1")
		rule(dir ".source", "*", manifests, "file 200 " (kind == "no-blob" ? type : "application/vnd.docker.distribution.manifest.v1+prettyjws") " " dir "/" name)
	else if (kind == "target-403")
		rule(dir ".target", "PUT", "/v2/prod/app" a "/manifests/" tag, "status 403")
	if (kind ~ /^(good|blank|reserved|overlap|move|flipped|giant|source-403|target-403)$/)
		upload(source, "staging/app" a, digest["/" name], dir "/" name, dir ".upload")
	say("    \"" d "\": [\"" tag "\"]")
}
