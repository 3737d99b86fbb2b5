#!/bin/bash
# Git sources over ssh: a real sshd on the loopback with throwaway keys, and the system's ssh, which
# only gets a configuration of its own put in front of our arguments.
# shellcheck source=tests/integration/source_lib.sh
. "$(dirname "$0")/source_lib.sh"

sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || fail "no sshd: tools/install-packages test"
real_ssh=$(command -v ssh)
me=$(id -un)

mkdir bin keys
make_repository "it's a repo"
git clone -q --bare "it's a repo" plain.git
git init -q --bare empty.git
chmod 755 "$WORK"

for key in host other_host user stranger; do
	ssh-keygen -q -t ed25519 -N '' -f "keys/$key"
done
cp keys/user.pub authorized

# sshd wants this directory when root starts it; the package's service would have made it.
if [[ $EUID -eq 0 && ! -e /run/sshd ]]; then
	mkdir -m 755 /run/sshd
fi

serve() {
	cat >sshd.conf <<-END
		ListenAddress 127.0.0.1
		Port $1
		HostKey $WORK/keys/host
		PidFile none
		AuthorizedKeysFile $WORK/authorized
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
		PermitUserEnvironment no
	END
	exec "$sshd" -D -e -f "$WORK/sshd.conf" >>"$2" 2>&1
}
start_on_free_port serve

# Everything this machine's configuration might say is left out; nothing is asked, nothing is learnt.
cat >bin/ssh <<END
#!/bin/sh
printf '%s\n' "\$*" >>"$WORK/calls"
exec "$real_ssh" -F "$WORK/ssh.conf" "\$@"
END
chmod 755 bin/ssh
cat >ssh.conf <<-END
	UserKnownHostsFile $WORK/known_hosts
	GlobalKnownHostsFile /dev/null
	IdentityAgent none
	IdentityFile $WORK/keys/none
END
export PATH=$WORK/bin:$PATH
base=ssh://$me@127.0.0.1:$PORT

echo "# an unknown host key is refused, and so is another one than the known"
dump 1 "$base$WORK/plain.git" key=keys/user
expect_says "tls: "
expect_says "known_hosts"
[[ ! -s known_hosts ]] || fail "a host key was learnt"
printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cat keys/other_host.pub)" >known_hosts
dump 1 "$base$WORK/plain.git" key=keys/user
expect_says "tls: "
printf '[127.0.0.1]:%s %s\n' "$PORT" "$(cat keys/host.pub)" >known_hosts

echo "# branch, tag, commit, path"
dump 0 "$base$WORK/plain.git" key=keys/user
expect_tree plain.git main
dump 0 "$base$WORK/plain.git" key=keys/user ref=v1
expect_tree plain.git v1
dump 0 "$base$WORK/plain.git" key=keys/user ref="$(git -C plain.git rev-parse --short=10 old)"
expect_tree plain.git old
dump 0 "$base$WORK/it's%20a%20repo" key=keys/user path=k8s
[[ $(sed -n 3p out) == "d 0 images" ]] || fail "the path was not opened"

echo "# a cache brings only what is new"
dump 0 "$base$WORK/it's%20a%20repo" key=keys/user cache=cache
dump 0 "$base$WORK/it's%20a%20repo" key=keys/user cache=cache
[[ $(find cache -name '*.pack' | wc -l) == 1 ]] || fail "a fetch of nothing brought something"
commit "it's a repo" k8s/new
dump 0 "$base$WORK/it's%20a%20repo" key=keys/user cache=cache
expect_tree "it's a repo" main
[[ $(find cache -name '*.pack' | wc -l) == 2 ]] || fail "the history was fetched again"

echo "# what was asked of the server is the repository and nothing else"
dump 1 "$base$WORK/plain.git;touch%20$WORK/owned" key=keys/user
dump 1 "$base$WORK/plain.git'%0atouch%20$WORK/owned" key=keys/user
expect_says "usage: "
dump 1 "$base$WORK/\$(touch%20$WORK/owned)" key=keys/user
dump 1 "ssh://-oProxyCommand=touch%20$WORK/owned/x"
expect_says "usage: "
[[ ! -e owned ]] || fail "a command was run"

echo "# keys"
dump 1 "$base$WORK/plain.git" key=keys/stranger
expect_says "auth: "
dump 1 "$base$WORK/plain.git"
expect_says "auth: "
dump 1 "$base$WORK/plain.git" key=keys/nowhere
expect_says "usage: "

echo "# repositories that are none"
dump 1 "$base$WORK/nothing.git" key=keys/user
expect_says "not-found: "
dump 1 "$base$WORK/empty.git" key=keys/user
expect_says "neither branches nor tags"
dump 1 "ssh://$me@127.0.0.1:1$WORK/plain.git" key=keys/user
expect_says "transient: "

echo "# a server that stops answering"
printf 'command="sleep 30" %s\n' "$(cat keys/user.pub)" >authorized
started=$SECONDS
dump 1 "$base$WORK/plain.git" key=keys/user timeout=700 cache=cache-silent
expect_says "timeout: "
[[ $((SECONDS - started)) -lt 10 ]] || fail "waited too long"
grep -qF -- "-o BatchMode=yes -o StrictHostKeyChecking=yes" calls || fail "not strict"
