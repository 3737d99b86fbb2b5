#!/bin/bash
# Git sources over http and https: lighttpd in front of git http-backend, with all that can go wrong.
# shellcheck source=tests/integration/source_lib.sh
. "$(dirname "$0")/source_lib.sh"

mkdir -p www tokens
make_repository www/repo
git init -q --bare www/empty.git
echo "<html>hello</html>" >www/page.html

# A private CA and a certificate of it for 127.0.0.1.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test-ca \
	-keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 \
	-keyout server.key -out server.csr 2>/dev/null
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
	-extfile <(echo subjectAltName=IP:127.0.0.1) -out server.pem 2>/dev/null
cat server.key >>server.pem

echo 'x-access-token:right-token' >users
echo 'robot:robot-token' >>users
echo right-token >tokens/right
echo wrong-token >tokens/wrong
echo robot-token >tokens/robot
printf '' >tokens/empty

# Notes each request; answers as Git does, or like a server that is broken in one way or another.
cat >backend <<'END'
#!/bin/sh
echo "$REQUEST_METHOD $REQUEST_URI" >>"$HOME/requests.log"
uri=$REQUEST_URI
case "$uri" in
/broken/switch/*) uri=/broken/$(cat "$HOME/mode")/${uri#/broken/switch/} ;;
esac
case "$uri" in
/broken/hang/*) sleep 30 ;;
/broken/drip/*)
	printf 'Content-Type: application/x-git-upload-pack-advertisement\r\n\r\n'
	while sleep 0.1; do printf 0; done ;;
/broken/503/*) printf 'Status: 503\r\n\r\n' ;;
/broken/403/*) printf 'Status: 403\r\n\r\n' ;;
/broken/429/*) printf 'Status: 429\r\nRetry-After: 100000\r\n\r\n' ;;
/broken/dumb/*) printf 'Content-Type: text/plain\r\n\r\n0123 refs/heads/main\n' ;;
/broken/junk/*) printf 'Content-Type: application/x-git-upload-pack-advertisement\r\n\r\nwhat is this?' ;;
/broken/short/*/git-upload-pack)
	cat >/dev/null
	printf 'Content-Type: application/x-git-upload-pack-result\r\n\r\n0008NAK\n0020' ;;
/broken/pack/*/git-upload-pack)
	cat >/dev/null
	printf 'Content-Type: application/x-git-upload-pack-result\r\n\r\n0008NAK\n0015\001PACK not really\n0000' ;;
/broken/*)
	PATH_INFO=/repo/${uri#/broken/*/*/}
	export PATH_INFO="${PATH_INFO%%\?*}"
	exec git http-backend ;;
*) exec git http-backend ;;
esac
END
chmod 755 backend

serve() {
	cat >server.conf <<-END
		server.document-root = "$WORK/www"
		server.bind = "127.0.0.1"
		server.port = $1
		server.errorlog = "$WORK/$2"
		server.modules = ("mod_auth", "mod_authn_file", "mod_alias", "mod_setenv", "mod_redirect",
			"mod_cgi", "mod_openssl")
		server.stream-response-body = 2
		mimetype.assign = (".html" => "text/html")
		auth.backend = "plain"
		auth.backend.plain.userfile = "$WORK/users"
		setenv.add-environment = ("GIT_PROJECT_ROOT" => "$WORK/www", "GIT_HTTP_EXPORT_ALL" => "1",
			"PATH" => "$PATH", "HOME" => "$WORK")
		alias.url = ("/git/" => "$WORK/backend/", "/private/" => "$WORK/backend/",
			"/broken/" => "$WORK/backend/")
		url.redirect = ("^/old/([^?]*)" => "/git/\$1\${qsa}",
			"^/moved/([^?]*)" => "http://localhost:$1/private/\$1\${qsa}",
			"^/away/" => "http://localhost:$1/page.html",
			"^/loop/" => "\${url.path}\${qsa}",
			"^/metadata/([^?]*)" => "http://169.254.169.254/\$1\${qsa}")
		\$HTTP["url"] =~ "^/(git|private|broken)(/|\$)" { cgi.assign = ("" => "") }
		\$HTTP["url"] =~ "^/private/" {
			auth.require = ("" => ("method" => "basic", "realm" => "git", "require" => "valid-user"))
		}
		\$SERVER["socket"] == "127.0.0.1:$(($1 + 1))" {
			ssl.engine = "enable"
			ssl.pemfile = "$WORK/server.pem"
		}
	END
	exec lighttpd -D -f server.conf >>"$2" 2>&1
}
start_on_free_port serve
base=http://127.0.0.1:$PORT
secure=https://127.0.0.1:$((PORT + 1))

requests() {
	grep -c "^$1 " requests.log || true
}

echo "# plain http on the loopback: branch, tag, commit, path"
dump 0 "$base/git/repo"
expect_tree www/repo main
dump 0 "$base/git/repo/" ref=v1
expect_tree www/repo v1
dump 0 "$base/git/repo" ref=old
expect_tree www/repo old
dump 0 "$base/git/repo" ref="$(git -C www/repo rev-parse --short=12 main~20)"
expect_tree www/repo main~20
dump 0 "$base/git/repo" path=k8s/images
[[ $(sed -n 3p out) == "d 0 1" ]] || fail "the path was not opened"

echo "# a cache: one request when nothing is new, and only what is new otherwise"
dump 0 "$base/git/repo" cache=cache
: >requests.log
dump 0 "$base/git/repo" cache=cache
[[ $(requests GET) == 1 && $(requests POST) == 0 ]] || fail "a fetch of nothing: $(cat requests.log)"
commit www/repo k8s/new
dump 0 "$base/git/repo" cache=cache
expect_tree www/repo main
[[ $(requests POST) -ge 1 ]] || fail "nothing was negotiated"
[[ $(find cache -name '*.pack' | wc -l) == 2 ]] || fail "the history was fetched again"

echo "# https with a private CA"
dump 1 "$secure/git/repo"
expect_says "tls: "
dump 0 "$secure/git/repo" ca=ca.pem
expect_tree www/repo main
dump 1 "$secure/git/repo" ca=none.pem
expect_says "usage: "
dump 1 "https://localhost:$((PORT + 1))/git/repo" ca=ca.pem
expect_says "tls: "

echo "# credentials"
dump 1 "$base/private/repo"
expect_says "auth: "
expect_says CIP_GIT_TOKEN
dump 0 "$base/private/repo" token-file=tokens/right
expect_tree www/repo main
dump 0 "$base/private/repo" token-file=tokens/robot username=robot
CIP_GIT_TOKEN=right-token dump 0 "$base/private/repo"
dump 0 "$secure/private/repo" ca=ca.pem token-file=tokens/right
dump 1 "$base/private/repo" token-file=tokens/wrong
expect_says "does not accept the token"
expect_hides wrong-token
dump 1 "$base/private/repo" token-file=tokens/empty
expect_says "usage: "
dump 1 "$base/private/repo" token-file=tokens/none
expect_says "tokens/none"
dump 1 "http://x-access-token:right-token@127.0.0.1:$PORT/private/repo"
expect_says "holds credentials"
expect_hides right-token
! grep -rq -e right-token -e "$(printf 'x-access-token:right-token' | base64)" cache || fail "token in the cache"

echo "# redirects"
: >requests.log
dump 0 "$base/old/repo"
expect_tree www/repo main
grep -qx 'POST /git/repo/git-upload-pack' requests.log || fail "the POST did not follow"
dump 1 "$base/moved/repo" token-file=tokens/right
expect_says "auth: "
expect_says "the token stays with 127.0.0.1"
! grep -q 'POST /private' requests.log || fail "the token went to another host"
dump 1 "$base/away/repo"
expect_says "invalid: "
dump 1 "$base/loop/repo"
expect_says "invalid: "
dump 1 "$base/metadata/repo"
expect_says "invalid: "

echo "# servers that answer something else"
dump 1 "$base/git/none"
expect_says "not-found: "
dump 1 "$base/git/empty.git"
expect_says "neither branches nor tags"
dump 1 "$base/page.html"
expect_says "smart HTTP"
dump 1 "$base/broken/dumb/x"
expect_says "smart HTTP"
dump 1 "$base/broken/junk/x"
expect_says "invalid: "
dump 1 "$base/broken/403/x"
expect_says "auth: "
dump 1 "$base/broken/503/x"
expect_says "transient: "
dump 1 "$base/broken/429/x"
expect_says "throttled: "

echo "# servers that stop answering"
started=$SECONDS
dump 1 "$base/broken/hang/x" patience=300
expect_says "timeout: "
dump 1 "$base/broken/drip/x" patience=300 timeout=1500
expect_says "timeout: "
[[ $((SECONDS - started)) -lt 10 ]] || fail "waited too long"

echo "# a pack that breaks off or is none gives no older answer"
echo ok >mode
dump 0 "$base/broken/switch/x" cache=cache-switch
commit www/repo k8s/newer
for mode in short pack; do
	echo "$mode" >mode
	dump 1 "$base/broken/switch/x" cache=cache-switch
	[[ ! -s out ]] || fail "an answer in spite of a failure"
done
echo ok >mode
dump 0 "$base/broken/switch/x" cache=cache-switch
expect_tree www/repo main
