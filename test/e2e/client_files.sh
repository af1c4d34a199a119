#!/bin/sh
# SPDX-License-Identifier: MIT
# Files that our client receives, from our server and from the Go peer that plays an installed one:
# contents, modes, force and sync, protected folders under any name, links, other file systems, a full
# disk, sudo, and what is left when it goes wrong.

# shellcheck source=test/e2e/lib/lib.sh
. "$(dirname "$0")/lib/lib.sh"
# shellcheck source=test/e2e/lib/server.sh
. "$(dirname "$0")/lib/server.sh"

out=$tmp/out
mkdir -p "$out"
size=$(bulk 50000000)

# Freed memory that a sanitizer keeps back would count as memory held.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS

same() { cmp "$1" "$2"; }
absent() { [ ! -e "$1" ] && [ ! -L "$1" ] || { echo "# $1 is there"; false; }; }
no_spool() {
	i=0
	while [ -n "$(ls "$tmp/data/$1/filepush" 2>/dev/null)" ]; do
		i=$((i + 1))
		[ $i -le $((WAIT_S * PATIENCE * 10)) ] || { ls "$tmp/data/$1/filepush"; return 1; }
		sleep 0.1
	done
}

### Our server
# upload FILE DEST ID [MORE]
upload() {
	file=$1
	dest=$2
	id=$3
	shift 3
	call POST /files -F "upload=@$file" -F "dest=$dest" -F "id=$id" -F client_id=c1 "$@"
}
result() { wait_for ws "^\{\"client_id\":\"c1\",\"uuid\":\"$1\",.*$2"; }
# refused DEST ID TEXT [MORE]
refused() {
	dest=$1
	id=$2
	text=$3
	shift 3
	upload "$tmp/small" "$dest" "$id" "$@" && result "$id" "\"message\":\"client error: $text.*\"status\":\"error\""
}

head -c 300000 /dev/urandom >"$tmp/small"
: >"$tmp/empty"
head -c 12345 /dev/urandom >"$tmp/other"
server_config server '' "max_filepush_size = $((size + 1000000))"
start_server server
client_config c1 "attributes_file_path = \"$tmp/attributes\"" "[file-reception]
protected = ['/bin', '/sbin', '/boot', '/usr/bin', '/usr/sbin', '/dev', '/lib*', '/run', '$out/closed']"
start_client c1
check "the client is there" connected c1
check "it says that it takes files" call_is 200 GET '/clients/c1?fields[clients]=client_configuration' '"file_reception":\{"protected":\[[^]]*\],"enabled":true'
start ws python3 "$(dirname "$0")/lib/ws_listen.py" "$api/api/v1/ws/uploads" "$credentials"
wait_for ws '^HTTP/1.1 101' || give_up "no WebSocket"

check "a file" upload "$tmp/small" "$out/a" f1 -F mode=0640
check "is told of" result f1 "\"filepath\":\"$out/a\",\"size\":300000,\"message\":\"file successfully copied to destination $out/a\",\"status\":\"success\"\}$"
check "is the same there" same "$tmp/small" "$out/a"
check "with its mode" is "$(stat -c %a "$out/a")" 640
check "nothing stays behind" no_spool c1
check "the log has both checksums" wait_for c1 "file-reception: upload f1: $out/a received, size=300000 md5=$(md5sum <"$tmp/small" | cut -d' ' -f1) sha256=$(sha256sum <"$tmp/small" | cut -d' ' -f1)"
check "an empty file" upload "$tmp/empty" "$out/b" f2
check "arrives" result f2 '"size":0,.*"status":"success"'
check "empty" is "$(stat -c %s "$out/b")" 0
check "into folders that are not there" upload "$tmp/small" "$out/x/y/z" f3 -F mode=0640
check "arrives too" result f3 '"status":"success"'
check "in folders that can be entered" is "$(stat -c %a "$out/x/y")" 750
check "the folder of the files is private" is "$(stat -c %a "$tmp/data/c1/filepush")" 700

check "over a file" upload "$tmp/empty" "$out/a" f4
check "is ignored" result f4 "\"message\":\"file $out/a already exists, should not be synched or overwritten with force\",\"status\":\"ignored\""
check "which stays" same "$tmp/small" "$out/a"
check "with sync" upload "$tmp/small" "$out/a" f5 -F sync=1 -F mode=640
check "the same is ignored too" result f5 '"status":"ignored"'
check "with another mode" upload "$tmp/small" "$out/a" f6 -F sync=1 -F mode=600
check "it is not" result f6 '"status":"success"'
check "the mode is the new one" is "$(stat -c %a "$out/a")" 600
check "another content" upload "$tmp/other" "$out/a" f7 -F sync=1
check "is not either" result f7 '"status":"success"'
check "it is there" same "$tmp/other" "$out/a"
check "by force" upload "$tmp/small" "$out/a" f8 -F force=true
check "it is written" result f8 '"status":"success"'
check "and the same again" same "$tmp/small" "$out/a"

check "into /bin" refused /bin/x r1 'target path /bin matches protected pattern /bin, therefore the file push request is rejected'
check "below a protected folder" refused /usr/bin/x/y r2 'target path /usr/bin matches protected pattern'
check "with dots in the path" refused /usr/./bin/x r3 'target path /usr/bin matches protected pattern'
check "with dots that go up" refused "$out/../../usr/bin/x" r4 'invalid destination file path: '
mkdir "$out/closed"
ln -s "$out/closed" "$out/alias"
check "over a link into a protected folder" refused "$out/alias/x" r5 'target path .*/closed matches protected pattern .*/closed'
ln -s /usr/bin "$out/bin"
check "over a link to /usr/bin" refused "$out/bin/rport-test" r6 'target path /usr/bin matches protected pattern'
check "nothing is there" absent /usr/bin/rport-test
check "over the client's configuration" refused "$tmp/c1.conf" r7 'target path .*c1.conf belongs to the client itself' -F force=true
check "over its trail of commands" refused "$tmp/data/c1/commands.log" r8 'target path .* belongs to the client itself' -F force=true
check "into its folder of scripts" refused "$tmp/data/c1/scripts/x" r9 'target path .* belongs to the client itself'
check "over its program" refused "$(realpath "/proc/$(pid_of c1)/exe")" r10 'target path .* belongs to the client itself' -F force=true
check "over a folder" refused "$out/x" r11 '.* is a folder, which is not replaced' -F force=true
mkfifo "$out/fifo"
check "over a pipe" refused "$out/fifo" r12 '.* is no regular file, which is not replaced' -F force=true
check "below a file" refused "$out/a/b" r13 'cannot open the folder of .*: not a directory'
check "with a setuid bit" refused "$out/s" r14 'invalid destination file mode: ' -F mode=4755
ln -s /etc/passwd "$out/link"
check "over a link" upload "$tmp/small" "$out/link" f9 -F force=true
check "the link itself is replaced" result f9 '"status":"success"'
check "by the file" same "$tmp/small" "$out/link"
check "without touching where it led" grep -q root /etc/passwd

if [ "$(id -u)" = 0 ]; then
	check "for another owner" upload "$tmp/small" "$out/owned" f10 -F user=daemon -F group=nogroup -F mode=0600
	check "arrives" result f10 '"message":"file successfully copied.*"status":"success"'
	check "and belongs to it" is "$(stat -c '%U %G %a' "$out/owned")" 'daemon nogroup 600'
	check "again with sync" upload "$tmp/small" "$out/owned" f11 -F user=daemon -F sync=1
	check "it stays" result f11 '"status":"ignored"'
	check "for nobody that there is" upload "$tmp/small" "$out/lost" f12 -F user=no-such-user
	check "it is said" result f12 '"message":"chown of .* failed: unknown user no-such-user.file successfully copied.*"status":"success"'
	# A folder of somebody else, who puts a link where files go.
	mkdir "$out/theirs"
	chown daemon "$out/theirs"
	ln -s /etc "$out/theirs/etc"
	check "over somebody else's link" refused "$out/theirs/etc/rport-test" r16 '.*leads over a symbolic link in a folder that others can change'
	check "nothing is there" absent /etc/rport-test
	check "into somebody else's folder" upload "$tmp/small" "$out/theirs/f" f13
	check "it arrives" result f13 '"status":"success"'
else
	skip "not root: owners"
fi

# Another file system, and a small one.
if [ "$(id -u)" = 0 ] && mkdir "$out/disk" && mount -t tmpfs -o size=1M tmpfs "$out/disk" 2>/dev/null; then
	check "onto another file system" upload "$tmp/small" "$out/disk/a" f14 -F mode=0604
	check "arrives" result f14 '"status":"success"'
	check "the same" same "$tmp/small" "$out/disk/a"
	check "with its mode" is "$(stat -c %a "$out/disk/a")" 604
	head -c 900000 /dev/urandom >"$tmp/long"
	check "onto a full one" upload "$tmp/long" "$out/disk/b" f15
	check "does not" result f15 '"message":"client error: .*no space left on device'
	check "and leaves nothing there" is "$(ls -A "$out/disk")" a
	umount "$out/disk"
else
	skip "no mount: other file systems"
fi
check "nothing stays behind" no_spool c1

head -c "$size" /dev/urandom >"$tmp/big"
memory() { sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(pid_of c1)/status"; }
before=$(memory)
check "a big file" upload "$tmp/big" "$out/big" big
check "arrives" result big '"status":"success"'
check "the same" same "$tmp/big" "$out/big"
more=$(($(memory) - before))
[ -n "${RPORT_VALGRIND:-}" ] || check "without being held in memory: $more kB more" [ "$more" -lt 12000 ]
rm -f "$out/big"

# The client ends in the middle of it.
check "a big file again" upload "$tmp/big" "$out/big" big2
stop c1
check "the client ends cleanly" is "$status" 0
check "silently" silent c1
check "nothing stays behind" no_spool c1
mkdir -p "$tmp/data/c1/filepush"
: >"$tmp/data/c1/filepush/01234567-0123-0123-0123-0123456789ab_rport_filepush"
start_client c1
check "the client is there again" connected c1
check "what an end in the middle leaves is removed" no_spool c1
stop c1
client_config off '' '[file-reception]
enabled = false'
start_client off
check "a client that takes none" connected off
call POST /files -F "upload=@$tmp/small" -F "dest=$out/off" -F client_id=off -F id=off
check "is not asked" wait_for ws '"uuid":"off".*uploads are disabled on this client'
stop off
stop server
check "the server ends cleanly" is "$status" 0

### An installed server
mkfifo "$tmp/go.in"
start go "$PEER" server --auth me:secret --key-seed test --duration 600s
exec 3>"$tmp/go.in"
wait_for go '"listening"' || give_up "no peer"
addr=$(printf '%s\n' "$line" | json addr)
client_config g1
start_client g1
wait_for go '"registered".*"id":"g1"' || give_up "not registered"
tell() { printf '%s\n' "$1" >&3; }
tell "{\"cmd\":\"upload\",\"tag\":\"u1\",\"source\":\"$tmp/small\",\"dest\":\"$out/g1\",\"mode\":416}"
check "a file from an installed server" wait_for go "\"tag\":\"u1\",\"ok\":true,\"data\":\{\"uuid\":\"[-0-9a-f]+\",\"filepath\":\"$out/g1\",\"size\":300000,\"message\":\"file successfully copied to destination $out/g1\",\"status\":\"success\"\}"
check "is the same" same "$tmp/small" "$out/g1"
check "its session is closed" wait_for go '"sftp-closed"'
tell "{\"cmd\":\"upload\",\"tag\":\"u2\",\"source\":\"$tmp/big\",\"dest\":\"$out/g2\"}"
check "a big one" wait_for go "\"tag\":\"u2\",\"ok\":true,.*\"status\":\"success\""
check "is the same" same "$tmp/big" "$out/g2"
tell "{\"cmd\":\"request\",\"tag\":\"u3\",\"name\":\"upload\",\"want\":true,\"payload\":{\"ID\":\"x\",\"SourceFilePath\":\"$tmp/small\",\"DestinationPath\":\"$out/g3\",\"Md5Checksum\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}"
check "another checksum" wait_for go "\"tag\":\"u3\",\"ok\":false,\"data\":\"md5 check failed: checksum from server 00000000000000000000000000000000 doesn't equal the calculated checksum\""
check "leaves nothing" absent "$out/g3"
tell "{\"cmd\":\"request\",\"tag\":\"u4\",\"name\":\"upload\",\"want\":true,\"payload\":{\"ID\":\"x\",\"SourceFilePath\":\"$tmp/none\",\"DestinationPath\":\"$out/g4\",\"Md5Checksum\":\"AAAAAAAAAAAAAAAAAAAAAA==\"}}"
check "no such file" wait_for go '"tag":"u4","ok":false,"data":"the server cannot read the file"'
check "commands pass between files" sh -c "printf '%s\n' '{\"cmd\":\"run\",\"tag\":\"j1\",\"job\":{\"jid\":\"j1\",\"command\":\"/usr/bin/id -u\",\"stream_result\":true}}' >&3" 3>&3
check "with their output" wait_for go '"stream".*"jid":"j1"'
# The connection goes in the middle of it.
tell "{\"cmd\":\"upload\",\"tag\":\"u5\",\"source\":\"$tmp/big\",\"dest\":\"$out/g5\"}"
wait_for go "\"sftp-open\",\"path\":\"$tmp/big\".*"
tell '{"cmd":"close","reset":true}'
check "the client comes back" wait_for go '"registered","conn":2'
check "nothing stays behind" no_spool g1
stop g1
check "the client ends cleanly" is "$status" 0
check "silently" silent g1
exec 3>&-

### A client without rights, and a sudo of ours that notes what it is asked
# unshare: the place of sudo is covered for this client alone.
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && command -v setpriv >/dev/null; then
	mkdir "$tmp/sudo" "$tmp/poor" "$out/kept"
	cat >"$tmp/sudo/sudo" <<-END
		#!/bin/sh
		echo "\$*" >>"$tmp/sudo.log"
		[ "\$1" = -n ] && shift
		[ ! -e "$tmp/poor/no" ] || { echo "sudo: a password is required" >&2; exit 1; }
		[ "\$1" != mv ] || { chmod u+w "$out/kept" && "\$@" && chmod u-w "$out/kept"; }
	END
	chmod 755 "$tmp/sudo/sudo"
	: >"$tmp/sudo.log"
	chown daemon "$tmp/poor" "$out/kept" "$tmp/sudo.log"
	chmod 555 "$out/kept"
	mkfifo "$tmp/go2.in"
	start go2 "$PEER" server --auth me:secret --key-seed test --duration 600s
	exec 3>"$tmp/go2.in"
	wait_for go2 '"listening"' || give_up "no peer"
	addr=$(printf '%s\n' "$line" | json addr)
	client_config poor
	sed -i "s|^data_dir.*|data_dir = \"$tmp/poor/data\"|" "$tmp/poor.conf"
	chmod 644 "$tmp/poor.conf"
	cp "$RPORT" "$tmp/rport"
	chmod 755 "$tmp/rport"
	start poor unshare -m sh -c 'mount --bind "$1" /usr/local/sbin && shift && exec setpriv --reuid=daemon --regid=daemon --clear-groups "$@"' \
		- "$tmp/sudo" "$tmp/rport" client -c "$tmp/poor.conf"
	if wait_for go2 '"registered".*"id":"poor"'; then
		tell "{\"cmd\":\"upload\",\"tag\":\"s1\",\"source\":\"$tmp/small\",\"dest\":\"$out/kept/a\"}"
		check "where the user may not write" wait_for go2 '"tag":"s1","ok":true,.*"status":"success"'
		check "sudo does it" same "$tmp/small" "$out/kept/a"
		check "by the words that sudoers rules have" grep -q -E "^-n mv $tmp/poor/data/filepush/[-0-9a-f]+_rport_filepush $out/kept/a\$" "$tmp/sudo.log"
		ln -s "$tmp/poor" "$out/kept/way"
		tell "{\"cmd\":\"upload\",\"tag\":\"s4\",\"source\":\"$tmp/small\",\"dest\":\"$out/kept/way\",\"force\":true}"
		check "over a link to a folder" wait_for go2 '"tag":"s4","ok":true,.*"status":"success"'
		check "the link makes room" same "$tmp/small" "$out/kept/way"
		check "and nothing goes where it led" is "$(ls "$tmp/poor")" data
		tell "{\"cmd\":\"request\",\"tag\":\"s2\",\"name\":\"upload\",\"want\":true,\"payload\":{\"ID\":\"x\",\"SourceFilePath\":\"$tmp/empty\",\"DestinationPath\":\"$tmp/poor/b\",\"DestinationFileOwner\":\"root\",\"DestinationFileGroup\":\"root\",\"Md5Checksum\":\"1B2M2Y8AsgTpgAmY7PhCfg==\"}}"
		check "for another owner" wait_for go2 '"tag":"s2","ok":true,.*"status":"success"'
		check "sudo is asked too" grep -q -E "^-n chown root:root $tmp/poor/data/filepush/[-0-9a-f]+_rport_filepush\$" "$tmp/sudo.log"
		: >"$tmp/poor/no"
		tell "{\"cmd\":\"upload\",\"tag\":\"s3\",\"source\":\"$tmp/small\",\"dest\":\"$out/kept/c\"}"
		check "where sudo says no" wait_for go2 '"tag":"s3","ok":false,"data":".*/kept/c: permission denied: sudo -n mv: sudo: a password is required"'
		check "nothing is there" absent "$out/kept/c"
		check "nor left behind" is "$(ls "$tmp/poor/data/filepush")" ""
		stop poor
		check "the client ends cleanly" is "$status" 0
	else
		not_ok "a client without rights registers"
	fi
	exec 3>&-
else
	skip "not root, or no unshare: sudo"
fi
finish
