#!/bin/sh
# SPDX-License-Identifier: MIT
# boot.sh FOLDER: systemd as the first process of namespaces of its own, over a copy of this machine's
# files that ends with it. For root; it does not come back. Call it by `unshare`, as service.sh does.
set -eu

mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs dev
for node in null zero full random urandom tty; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
# It is another machine, without the services of this one and questions at the first boot. It has but a
# loopback, which networkd takes for no network and would wait for two minutes.
rm -f etc/machine-id etc/systemd/system/*.wants/* usr/lib/systemd/system/systemd-firstboot.service \
	usr/lib/systemd/system/systemd-networkd-wait-online.service
echo uninitialized >etc/machine-id
mkdir -p old
pivot_root . old
umount -l /old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=other \
	"$(command -v /lib/systemd/systemd || echo /usr/lib/systemd/systemd)" --system \
	--unit=multi-user.target --show-status=no
