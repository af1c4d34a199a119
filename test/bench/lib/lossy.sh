# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # IN_* are of process.sh
#
# The place `lossy`: two network namespaces with a cable between them on which packets take 50 ms
# each way and one of a thousand is lost, by netem. The servers and the visitors are in the one, the
# clients and the targets in the other. Needs root, veth and netem; where one is missing
# LOSSY_ABSENT says which.

LOSSY_ABSENT=
LOSSY_NEAR=10.213.77.1
LOSSY_FAR=10.213.77.2
# Twice what 10 Gbit/s has under way in packets of 1,500 bytes: the queue itself loses nothing.
LOSSY_QUEUE=100000

lossy_down() {
	ip netns del "$LOSSY_A" 2>/dev/null || true
	ip netns del "$LOSSY_B" 2>/dev/null || true
}

# lossy_end NAMESPACE ADDRESS
lossy_end() {
	ip -n "$1" address add "$2/24" dev cable && ip -n "$1" link set cable up &&
		ip -n "$1" link set lo up || return 1
	# The words of netem may be replaced to try the rest where there is no netem.
	# shellcheck disable=SC2086 # a list of words
	tc -n "$1" qdisc add dev cable root \
		${RPORT_BENCH_QDISC:-netem delay 50ms loss 0.1% limit $LOSSY_QUEUE}
}

lossy_build() {
	if [ "$(id -u)" != 0 ]; then
		LOSSY_ABSENT='only root can make network namespaces'
	elif ! command -v ip >/dev/null || ! command -v tc >/dev/null; then
		LOSSY_ABSENT='ip or tc is missing'
	elif ! { ip netns add "$LOSSY_A" && ip netns add "$LOSSY_B" &&
		ip -n "$LOSSY_A" link add cable type veth peer name cable netns "$LOSSY_B"; } \
		>"$WORK/lossy.log" 2>&1; then
		LOSSY_ABSENT='no network namespaces or no veth here'
	elif ! { lossy_end "$LOSSY_A" "$LOSSY_NEAR" && lossy_end "$LOSSY_B" "$LOSSY_FAR"; } \
		>"$WORK/lossy.log" 2>&1; then
		LOSSY_ABSENT='this kernel has no netem'
	else
		return 0
	fi
	return 1
}

# False: there is no such place here, see LOSSY_ABSENT.
lossy_up() {
	LOSSY_A=rport-bench-$$-a LOSSY_B=rport-bench-$$-b
	AT_END+=(lossy_down)
	lossy_build || return 1
	IN_SERVER=(ip netns exec "$LOSSY_A")
	IN_CLIENT=(ip netns exec "$LOSSY_B")
	at_client start_targets lossy
	if at_server serve_openssh lossy "$LOSSY_NEAR"; then
		at_client dial_openssh lossy "$LOSSY_NEAR" "$OPENSSH_PORT"
	fi
	if at_server serve_chisel lossy "$LOSSY_NEAR"; then
		at_client dial_chisel lossy "$LOSSY_NEAR" "$CHISEL_PORT"
	fi
	at_server serve_rport lossy "$LOSSY_NEAR"
	at_client dial_rport lossy "$LOSSY_NEAR" "$RPORT_PORT"
}

# Everything that comes after is on plain loopback again.
lossy_leave() {
	IN_SERVER=()
	IN_CLIENT=()
}
